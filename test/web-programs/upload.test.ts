/** The files of forms are stored whole or not at all, under names in their folder. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { HANGS_MS } from '../support/form.js';
import { until } from '../support/until.js';
import { curl, endExample, startCurl, startExample, SYSTEM_STACKS } from './example.js';
import { inMemory, type Asked } from './memory.js';

const FILE_BYTES = 3_000_001;

function makeFolder(test: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'asynctcp-upload-'));
  test.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Returns how a file that is stored is answered. */
function entryOf(name: string, bytes: Uint8Array): unknown {
  return { name, bytes: bytes.length, sha256: digestOf(bytes) };
}

for (const [stack, skip] of SYSTEM_STACKS) {
  describe(`the example of uploads on ${stack}`, { skip, timeout: HANGS_MS }, () => {
    it('stores the files of a form of curl', async (test) => {
      const from = makeFolder(test);
      const folder = join(makeFolder(test), 'files');
      mkdirSync(folder);
      const bytes = randomBytes(FILE_BYTES);
      const small = Buffer.from('a file\r\n');
      writeFileSync(join(from, 'large'), bytes);
      writeFileSync(join(from, 'small'), small);
      writeFileSync(join(from, 'empty'), '');
      const example = await startExample(test, 'upload', stack, { FOLDER: folder });
      const files = ['large;filename=a b.bin', 'small;filename=../ä.txt', 'empty;filename=empty'];
      const parts = files.flatMap((file) => ['--form', `files=@${from}/${file}`]);
      const answer = await curl(test, '--form', 'note=1 & ü', ...parts, `${example.url}/upload`);
      const stored = [entryOf('a b.bin', bytes), entryOf('ä.txt', small), entryOf('empty', Buffer.alloc(0))];
      assert.deepEqual(JSON.parse(answer), { note: '1 & ü', files: stored });
      assert.deepEqual(readdirSync(folder).sort(), ['a b.bin', 'empty', 'ä.txt']);
      assert.ok(readFileSync(join(folder, 'a b.bin')).equals(bytes));
      assert.ok(readFileSync(join(folder, 'ä.txt')).equals(small));

      const form = await curl(test, `${example.url}/`);
      assert.match(form, /enctype="multipart\/form-data"/);
      await endExample(example);
    });

    it('stores nothing under a name that is none', async (test) => {
      const from = makeFolder(test);
      const folder = makeFolder(test);
      writeFileSync(join(from, 'file'), 'content');
      const example = await startExample(test, 'upload', stack, { FOLDER: folder });
      for (const name of ['..', 'a/', 'x'.repeat(256)]) {
        const part = `files=@${join(from, 'file')};filename=${name}`;
        const answer = await curl(
          test,
          '--write-out',
          ' %{http_code}',
          '--form',
          part,
          `${example.url}/upload`,
        );
        assert.equal(answer, 'no file can be stored under such a name 400', name);
      }
      assert.deepEqual(readdirSync(folder), []);
      await endExample(example);
    });

    it('removes a file whose client goes before its end', async (test) => {
      const folder = makeFolder(test);
      const example = await startExample(test, 'upload', stack, { FOLDER: folder });
      const file = join(makeFolder(test), 'half');
      writeFileSync(file, Buffer.alloc(20 * FILE_BYTES));
      const part = `files=@${file};filename=half`;
      const client = startCurl(test, '--limit-rate', '1M', '--form', part, `${example.url}/upload`);
      await until('a file begins', () => readdirSync(folder).length > 0);
      await client.kill();
      await example.program.stdout.line(/^half was removed/);
      assert.deepEqual(readdirSync(folder), []);
      await endExample(example);
    });
  });
}

describe('the example of uploads on memory', { timeout: HANGS_MS }, () => {
  it('stores the files of a form, and none that is cut', async (test) => {
    const folder = makeFolder(test);
    process.env['FOLDER'] = folder;
    const ask = await inMemory(test, () => import('asynctcp-examples-web/upload'));
    const bytes = randomBytes(FILE_BYTES);
    const form = new FormData();
    form.set('note', 'in memory');
    form.append('files', new File([bytes], 'a.bin'));
    form.append('files', new File(['b'], 'b.txt'));
    const { status, text } = await ask('/upload', await posted(form));
    assert.equal(status, 201);
    const stored = [entryOf('a.bin', bytes), entryOf('b.txt', Buffer.from('b'))];
    assert.deepEqual(JSON.parse(text), { note: 'in memory', files: stored });
    assert.ok(readFileSync(join(folder, 'a.bin')).equals(bytes));

    form.delete('files');
    form.append('files', new File([bytes], 'cut.bin'));
    const cut = await ask('/upload', await posted(form, FILE_BYTES));
    assert.equal(cut.status, 400);
    await until('the rest is removed', () => readdirSync(folder).length === 2);
    assert.deepEqual(readdirSync(folder).sort(), ['a.bin', 'b.txt']);
  });
});

/** Returns a form as it is posted, cut behind `mostBytes`. */
async function posted(form: FormData, mostBytes?: number): Promise<Asked> {
  const response = new Response(form);
  const body = new Uint8Array(await response.arrayBuffer()).subarray(0, mostBytes);
  const type = response.headers.get('content-type') ?? '';
  return { method: 'POST', headers: { 'content-type': type, 'content-length': body.length }, body };
}
