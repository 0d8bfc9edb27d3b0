/** No request gets a file that is not below the folder. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { WebFolder } from 'asynctcp-web';
import { bed, STACKS } from './bed.js';
import { folderOf } from './files.js';

const SECRET = 'a secret';

/** Most turns of the event loop between two changes of a folder. */
const MOST_TURNS = 30;

/** Makes a folder `www` with files and links, beside a secret. */
function trap(test: TestContext): string {
  const folder = folderOf(test, {
    'secret.txt': SECRET,
    'www-secret/secret.txt': SECRET,
    'www/a.txt': 'A',
    'www/d/b.txt': 'B',
    'www/.env': SECRET,
    'www/.git/config': SECRET,
    'outside/secret.txt': SECRET,
  });
  const at = (name: string): string => join(folder, 'www', name);
  symlinkSync('../secret.txt', at('link.txt'));
  symlinkSync(join(folder, 'secret.txt'), at('absolute.txt'));
  symlinkSync('../outside', at('out'));
  symlinkSync('link.txt', at('twice.txt'));
  symlinkSync('.env', at('env.txt'));
  symlinkSync('.git', at('git'));
  symlinkSync('loop', at('loop'));
  symlinkSync('/dev/zero', at('zero'));
  symlinkSync('d/b.txt', at('inside.txt'));
  symlinkSync('../secret.txt', at('a.txt.gz'));
  execFileSync('mkfifo', [at('pipe')]);
  return folder;
}

/** Targets, as they are sent, that get no file. */
const REFUSED: readonly string[] = [
  '/../secret.txt',
  '/d/../../secret.txt',
  '/./../secret.txt',
  '/%2e%2e/secret.txt',
  '/%2e%2e%2fsecret.txt',
  '/..%2fsecret.txt',
  '/.%2e/secret.txt',
  '/..%5csecret.txt',
  '/..\\secret.txt',
  '/d/..%5c..%5csecret.txt',
  '/%252e%252e%252fsecret.txt',
  '/..%c0%afsecret.txt',
  '/%c0%ae%c0%ae/secret.txt',
  '/..;/secret.txt',
  '/.../secret.txt',
  '/a.txt%00',
  '/secret.txt%00.html',
  '/%00/../secret.txt',
  '/a.txt%0a',
  '/a.txt/',
  '/a.txt/../a.txt',
  '/a.txt.',
  '/a.txt%20',
  '//secret.txt',
  '//etc/passwd',
  '/%2fetc/passwd',
  '/%2fetc%2fpasswd',
  '///etc/passwd',
  '/file:///etc/passwd',
  '/c:/secret.txt',
  '/-secret/secret.txt',
  '/.env',
  '/%2eenv',
  '/.git/config',
  '/d/./b.txt',
  '/link.txt',
  '/absolute.txt',
  '/twice.txt',
  '/out/secret.txt',
  '/out/',
  '/out',
  '/env.txt',
  '/git/config',
  '/loop',
  '/zero',
  '/pipe',
  '/nul',
  '/d/con.txt',
  '/d',
  '/d/',
  '/',
  `/${'x'.repeat(300)}`,
  `/${'d/'.repeat(3000)}b.txt`,
  `/${'x'.repeat(20_000)}`,
];

for (const stack of STACKS) {
  describe(`a folder on ${stack}`, () => {
    it('gives no file to a request that leaves it', async (test) => {
      const folder = trap(test);
      const { ask } = await bed(
        test,
        stack,
        (server) => {
          server.serveStatic('/', join(folder, 'www'));
          server.serveStatic('/www', join(folder, 'www'));
        },
        { limits: { urlBytes: 8192 } },
      );
      for (const target of REFUSED) {
        for (const path of [target, `/www${target}`]) {
          const { status, text } = await ask(path);
          assert.ok([400, 404, 414, 431].includes(status), `${status} for ${path.slice(0, 100)}`);
          assert.ok(!text.includes(SECRET) && !text.includes('root:'), path);
        }
      }
      assert.equal((await ask('/a.txt', { headers: { 'accept-encoding': 'gzip' } })).text, 'A');
      assert.equal((await ask('/inside.txt')).text, 'B');
    });

    it('gives names that begin with a dot only if an option allows them', async (test) => {
      const root = join(trap(test), 'www');
      const { ask } = await bed(test, stack, (server) => {
        server.serveStatic('/', new WebFolder(root, { dotfiles: true }));
      });
      assert.equal((await ask('/.env')).text, SECRET);
      assert.equal((await ask('/git/config')).text, SECRET);
      assert.equal((await ask('/link.txt')).status, 404);
    });
  });
}

describe('a folder', () => {
  it('gives no file of elsewhere while one of its folders becomes a link and back', async (test) => {
    const folder = trap(test);
    const root = join(folder, 'www');
    mkdirSync(join(root, 'flip'));
    linkSync(join(root, 'a.txt'), join(root, 'flip/secret.txt'));
    const files = new WebFolder(root, { limits: { cacheBytes: 0 } });
    const over = new AbortController();
    let turns = 0;
    const flipping = (async () => {
      while (!over.signal.aborted) {
        renameSync(join(root, 'flip'), join(root, 'real'));
        symlinkSync('../outside', join(root, 'flip'));
        await new Promise(setImmediate);
        rmSync(join(root, 'flip'));
        renameSync(join(root, 'real'), join(root, 'flip'));
        turns = (turns % MOST_TURNS) + 1;
        for (let turn = 0; turn < turns; turn += 1) await new Promise(setImmediate);
      }
    })();
    let found = 0;
    for (let at = 0; at < 2000 || found === 0; at += 1) {
      const seen = await files.look('flip/secret.txt');
      if (typeof seen === 'string') continue;
      found += 1;
      for await (const piece of seen.pieces(0, seen.size)) assert.equal(Buffer.from(piece).toString(), 'A');
      seen.close();
    }
    over.abort();
    await flipping;
  });

  it('gives the last content of a file that is written twice in one step of the clock', async (test) => {
    const folder = folderOf(test, {});
    const files = new WebFolder(folder, { limits: { cacheMs: 1e-6 } });
    for (let at = 100; at < 300; at += 1) {
      writeFileSync(join(folder, 'a.txt'), String(at));
      const seen = await files.look('a.txt');
      assert.ok(typeof seen !== 'string' && seen.bytes?.toString() === String(at));
    }
  });

  it('whose root is a link follows it', async (test) => {
    const folder = folderOf(test, { 'one/a.txt': '1', 'two/a.txt': '2' });
    symlinkSync('one', join(folder, 'current'));
    const files = new WebFolder(join(folder, 'current'), { limits: { cacheMs: 1 } });
    const first = await files.look('a.txt');
    assert.ok(typeof first !== 'string' && first.bytes?.toString() === '1');
    symlinkSync('two', join(folder, 'next'));
    renameSync(join(folder, 'next'), join(folder, 'current'));
    const second = await files.look('a.txt');
    assert.ok(typeof second !== 'string' && second.bytes?.toString() === '2');
  });

  it('refuses a limit that is no positive number, and a handler’s path that leaves it', () => {
    assert.throws(() => new WebFolder('.', { limits: { cacheMs: 0 } }), RangeError);
    assert.throws(() => new WebFolder('.', { limits: { cacheBytes: -1 } }), RangeError);
    assert.doesNotThrow(() => new WebFolder('.', { limits: { cacheBytes: 0 } }));
  });
});
