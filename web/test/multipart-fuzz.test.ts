/** Forms with errors in them: each is answered, and none ends the process or waits for ever. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bed } from './bed.js';

const ROUNDS = Number(process.env['ASYNCTCP_FUZZ_ROUNDS'] ?? 2000);

const GOOD = [
  'preamble\r\n--b\r\nContent-Disposition: form-data; name="a"\r\n\r\nvalue\r\n',
  '--b\r\nContent-Disposition: form-data; name="b"\r\nContent-Type: text/plain; charset=utf-16le\r\n\r\nvalue\r\n',
  '--b\r\nContent-Disposition: form-data; name="f"; filename="x.txt"\r\nContent-Type: x/y\r\n\r\ndata\r\n-\r\n--\r\n',
  '--b\r\nContent-Disposition: form-data; name="g"; filename="\\"y\\""\r\n\r\n\r\n',
  "--b\r\ncontent-disposition: form-data; name=h; filename*=utf-8''%c3%a4\r\n\r\n\r\n--b--\r\nepilogue",
];

/** Pieces that a parser looks for. */
const PIECES = [
  '\r\n',
  '\r',
  '\n',
  '--',
  '--b',
  '--b--',
  '\r\n\r\n',
  ':',
  ';',
  '"',
  '\\',
  '\0',
  '=',
  '*',
  'ÿ',
  ' ',
];

function randomBy(start: number): (below: number) => number {
  let seed = start;
  return (below) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
}

/** Returns the form with some pieces put in, taken out, or moved. */
function mutated(random: (below: number) => number): string {
  const parts = GOOD.filter(() => random(4) > 0);
  let form = parts.join('');
  for (let change = random(4); change > 0; change -= 1) {
    const at = random(form.length + 1);
    const length = random(2) === 0 ? random(4) : random(60);
    const piece = PIECES[random(PIECES.length)] ?? '';
    const kind = random(4);
    if (kind === 0) form = form.slice(0, at) + piece + form.slice(at);
    else if (kind === 1) form = form.slice(0, at) + form.slice(at + length);
    else if (kind === 2) form = form.slice(0, at) + piece.repeat(length) + form.slice(at + length);
    else form = form.slice(0, at) + form.slice(random(form.length + 1));
  }
  return form;
}

describe('a form with errors', () => {
  it('is answered, however it is split', async (test) => {
    const { ask, log } = await bed(test, 'memory', (server) => {
      server
        .on('/', (request) => {
          request.send(200, '', String(request.args()));
        })
        .onUpload((_request, _filename, index) => (index % 2 === 0 ? undefined : new Promise(setImmediate)));
    });
    const counts = new Map<number, number>();
    for (let round = 1; round <= ROUNDS; round += 1) {
      const random = randomBy(round);
      const form = Buffer.from(mutated(random), 'latin1');
      const headers = { 'Content-Type': 'multipart/form-data; boundary=b', 'Transfer-Encoding': 'chunked' };
      const pieces: Buffer[] = [];
      for (let at = 0; at < form.length;) {
        const length = 1 + random(random(2) === 0 ? 4 : 200);
        pieces.push(form.subarray(at, at + length));
        at += length;
      }
      const { status } = await ask('/', { method: 'POST', headers, body: pieces });
      counts.set(status, (counts.get(status) ?? 0) + 1);
      assert.ok(status === 200 || status === 400, `round ${round}: ${status}`);
    }
    assert.deepEqual([...counts.keys()].sort(), [200, 400]);
    assert.deepEqual(log, []);
  });
});
