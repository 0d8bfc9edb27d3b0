/** The lamp in JSON and MessagePack, with curl. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { curl, endExample, startExample, SYSTEM_STACKS } from './example.js';

const PACK = 'application/msgpack';

/** `{ on: true }` in MessagePack, by its specification. */
const PACKED_ON = Buffer.from([0x81, 0xa2, ...Buffer.from('on'), 0xc3]);
/** `{ on: true, brightness: 128 }`. */
const PACKED_LAMP = Buffer.from([
  ...[0x82, 0xa2, ...Buffer.from('on'), 0xc3],
  ...[0xaa, ...Buffer.from('brightness'), 0xcc, 128],
]);

async function folderOf(test: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'asynctcp-json-'));
  test.after(() => rm(folder, { recursive: true }));
  return folder;
}

for (const [stack, skip] of SYSTEM_STACKS) {
  describe(`json on ${stack}`, { skip }, () => {
    it('reads and changes the lamp as JSON', async (test) => {
      const example = await startExample(test, 'json', stack);
      const lamp = `${example.url}/lamp`;
      assert.deepEqual(JSON.parse(await curl(test, lamp)), { on: false, brightness: 128 });
      const changed = await curl(test, '--request', 'PATCH', '--json', '{"on": true, "brightness": 7}', lamp);
      assert.deepEqual(JSON.parse(changed), { on: true, brightness: 7 });
      assert.deepEqual(JSON.parse(await curl(test, lamp)), { on: true, brightness: 7 });
      await endExample(example);
    });

    it('reads and changes the lamp as MessagePack', async (test) => {
      const { url } = await startExample(test, 'json', stack);
      const folder = await folderOf(test);
      const [sent, got] = [join(folder, 'sent'), join(folder, 'got')];
      await writeFile(sent, PACKED_ON);
      const head = ['--header', `Content-Type: ${PACK}`, '--header', `Accept: ${PACK}`];
      const body = ['--request', 'PATCH', '--data-binary', `@${sent}`, '--output', got];
      const type = await curl(test, ...head, ...body, '--write-out', '%{content_type}', `${url}/lamp`);
      assert.equal(type, PACK);
      assert.deepEqual(await readFile(got), PACKED_LAMP);
    });

    it('refuses what is no lamp with a status that says why', async (test) => {
      const { url } = await startExample(test, 'json', stack);
      const patch = (...options: string[]): Promise<string> =>
        curl(test, '--write-out', ' %{http_code}', '--request', 'PATCH', ...options, `${url}/lamp`);
      assert.equal(await patch('--json', '{"on": 1}'), 'on is true or false 422');
      assert.equal(await patch('--json', '{"brightness": 256}'), 'brightness is a number from 0 to 255 422');
      assert.match(await patch('--json', '{"on": '), / 400$/);
      assert.match(await patch('--data', 'on=true'), / 415$/);
      assert.match(await patch('--json', `{"on": true, "text": "${'x'.repeat(1024)}"}`), / 413$/);
      assert.deepEqual(JSON.parse(await curl(test, `${url}/lamp`)), { on: false, brightness: 128 });
    });

    it('fills an answer field by field, and sums up numbers', async (test) => {
      const { url } = await startExample(test, 'json', stack);
      const about = await curl(test, '--include', `${url}/about`);
      assert.match(about, /^content-type: application\/json\r\ncache-control: max-age=60\r\n/im);
      assert.match(about, /\r\n\r\n\{"name":"lamp","methods":\["GET","PATCH"\]\}$/);
      assert.equal(await curl(test, '--json', '[1, 2, 3.5]', `${url}/sum`), '{"sum":6.5}');
      assert.equal(await curl(test, '--json', '[1, "2"]', `${url}/sum`), 'send an array of numbers');
    });
  });
}
