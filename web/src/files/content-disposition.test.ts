import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { attachmentOf } from './content-disposition.js';

const TABLE: readonly [name: string, header: string][] = [
  ['log 1.txt', 'attachment; filename="log 1.txt"'],
  ['a"b\\c.txt', `attachment; filename="a_b_c.txt"; filename*=UTF-8''a%22b%5Cc.txt`],
  ['50%.txt', `attachment; filename="50_.txt"; filename*=UTF-8''50%25.txt`],
  ['Größe 😀.txt', `attachment; filename="Gr__e _.txt"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%F0%9F%98%80.txt`],
  ["é'(*).txt", `attachment; filename="_'(*).txt"; filename*=UTF-8''%C3%A9%27%28%2A%29.txt`],
  [
    'a\r\nSet-Cookie: b',
    `attachment; filename="a__Set-Cookie: b"; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20b`,
  ],
];

describe('the name of a download', () => {
  for (const [name, header] of TABLE) {
    it(JSON.stringify(name), () => {
      assert.equal(attachmentOf(name), header);
    });
  }
});
