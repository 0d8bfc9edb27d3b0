import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DEFAULT_LIMITS } from '../limits.js';
import type { AsyncWebServerRequest } from '../request/request.js';
import { Template, type TemplateProcessor } from './template.js';

// These functions do not look at the request, and a template at its limits only.
const REQUEST = Object.assign(Object.create(null), { limits: DEFAULT_LIMITS }) as AsyncWebServerRequest;

async function filledIn(template: Template, text: string, pieceBytes: number): Promise<string> {
  const bytes = Buffer.from(text);
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) pieces.push(bytes.subarray(at, at + pieceBytes));
  const output: Buffer[] = [];
  for await (const piece of template.replaced(pieces, REQUEST)) output.push(Buffer.from(piece));
  return Buffer.concat(output).toString();
}

const PROCESSOR: TemplateProcessor = {
  NAME: 'Ann',
  N: 7,
  ITSELF: '%ITSELF% %NAME%',
  LATER: (_request, name) => Promise.resolve(`<${name}>`),
  EMPTY: '',
  Größe: 'groß',
};

const TABLE: readonly [text: string, result: string][] = [
  ['', ''],
  ['no percent', 'no percent'],
  ['%NAME%', 'Ann'],
  ['a %NAME% b %N% c', 'a Ann b 7 c'],
  ['%NAME%%NAME%', 'AnnAnn'],
  ['%ITSELF%', '%ITSELF% %NAME%'],
  ['%LATER%!', '<LATER>!'],
  ['[%EMPTY%]', '[]'],
  ['%Größe%ü', 'großü'],
  ['%UNKNOWN%', '%UNKNOWN%'],
  ['width: 100%;', 'width: 100%;'],
  ['100% %NAME%', '100% Ann'],
  ['50%NAME%', '50Ann'],
  ['%%NAME%%', '%Ann%'],
  ['%', '%'],
  ['%%', '%%'],
  ['%NAME', '%NAME'],
  ['%constructor% %__proto__%', '%constructor% %__proto__%'],
  [`%${'x'.repeat(100)}%NAME%`, `%${'x'.repeat(100)}Ann`],
];

describe('a template', () => {
  for (const [text, result] of TABLE) {
    it(`${text} becomes ${result}, in pieces of any size`, async () => {
      const template = new Template(PROCESSOR);
      for (let bytes = 1; bytes <= Buffer.byteLength(text) + 1; bytes += 1) {
        assert.equal(await filledIn(template, text, bytes), result);
      }
    });
  }

  it('is made of a map, and of a function with its names', async () => {
    assert.equal(await filledIn(new Template(new Map([['A', 1]])), '%A%%B%', 9), '1%B%');
    const made = new Template((_request, name) => name.toLowerCase(), ['A', 'B']);
    assert.equal(await filledIn(made, '%A%%B%%C%', 9), 'ab%C%');
  });

  it('refuses a name that no text can have', () => {
    assert.throws(() => new Template({ '': 'x' }), RangeError);
    assert.throws(() => new Template({ 'a%': 'x' }), RangeError);
  });

  it('holds back no more than a name has', async () => {
    const template = new Template({ AB: 'x' });
    const pieces = template.replaced([Buffer.from('1%AB'), Buffer.from('C2')], REQUEST);
    assert.equal(String((await pieces.next()).value), '1');
    assert.equal(String((await pieces.next()).value), '%ABC2');
  });
});
