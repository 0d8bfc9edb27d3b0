/** Requests whose body is a value. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { encode } from '@msgpack/msgpack';
import { AsyncCallbackJsonWebHandler, HTTP_POST } from 'asynctcp-web';
import { bed, STACKS, type Answer } from './bed.js';

for (const stack of STACKS) {
  describe(`a handler of JSON on ${stack}`, () => {
    const handler = (): AsyncCallbackJsonWebHandler =>
      new AsyncCallbackJsonWebHandler('/', (request, json) => {
        request.send(200, 'application/json', JSON.stringify([json]));
      });

    it('gets the value of JSON and of MessagePack', async (test) => {
      const { ask } = await bed(test, stack, (server) => server.addHandler(handler()));
      const sent = (type: string, body: string | Uint8Array, method = 'POST'): Promise<Answer> =>
        ask('/', { method, headers: { 'Content-Type': type, 'Content-Length': body.length }, body });
      assert.equal((await sent('application/json; charset=utf-8', '{"a":null}')).text, '[{"a":null}]');
      const value = { list: [1, -1, 1.5, 'x', true, null], map: { long: 'x'.repeat(300) } };
      for (const type of ['application/msgpack', 'application/x-msgpack', 'application/vnd.msgpack']) {
        assert.deepEqual(JSON.parse((await sent(type, encode(value))).text), [value]);
      }
      assert.equal((await sent('application/json', '1', 'GET')).text, '[1]');
      assert.equal((await ask('/')).text, '[null]');
    });

    it('answers 400, 413, 415 and 405', async (test) => {
      const { ask, log } = await bed(test, stack, (server) => {
        server.addHandler(handler()).setMaxContentLength(10).setMethod(HTTP_POST);
      });
      const status = async (type: string, body: string | Uint8Array, headers = {}): Promise<number> => {
        const asked = { method: 'POST', headers: { 'Content-Type': type, ...headers }, body };
        return (await ask('/', asked)).status;
      };
      assert.equal(await status('application/json', '{'), 400);
      assert.equal(await status('application/json', ''), 400);
      assert.equal(await status('application/json', Buffer.from([0x22, 0xff, 0x22])), 400);
      assert.equal(await status('application/json', '[1,2,3,4,5]'), 413);
      assert.equal(await status('application/json', '[1,2,3,4,5]', { 'Content-Length': 11 }), 413);
      assert.equal(await status('application/msgpack', Buffer.from([0xc1])), 400);
      assert.equal(await status('application/msgpack', Buffer.from([1, 1])), 400);
      assert.equal(await status('text/plain', '1'), 415);
      assert.equal(await status('application/x-www-form-urlencoded', 'a=1'), 415);
      assert.equal(await status('application/json', '1', { 'Content-Encoding': 'gzip' }), 415);
      assert.equal((await ask('/', { method: 'PUT' })).status, 405);
      assert.deepEqual(log, []);
    });
  });
}
