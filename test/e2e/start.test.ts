/** `npm start` in a fresh clone: it builds only what the server needs. */
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { unlessAddonLoads } from '../native/require-addon.js';
import { start, type Program } from './programs.js';
import { HANGS_MS, temporaryFolder, visit } from './programs/inline.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const SAYS = 'building the server, which takes some seconds (the first time, and after a change)\n';

/** Makes a clone after `npm ci` with the files that the server is built from. Returns its folder. */
function clone(test: TestContext): string {
  const folder = temporaryFolder(test);
  for (const part of [
    'package.json',
    'tsconfig.base.json',
    'tsconfig.json',
    'src',
    'scripts',
    'native',
    'web',
  ]) {
    const isOwn = (file: string): boolean =>
      !['native/build', 'native/prebuilt', 'web/dist', 'web/build', 'web/node_modules'].includes(
        relative(ROOT, file),
      );
    cpSync(join(ROOT, part), join(folder, part), {
      recursive: true,
      filter: isOwn,
      preserveTimestamps: true,
    });
  }
  const modules = join(folder, 'node_modules');
  mkdirSync(modules);
  // As npm makes it: the packages of this repository are links to their folders.
  const own: Readonly<Record<string, string>> = { asynctcp: folder, 'asynctcp-web': join(folder, 'web') };
  for (const name of readdirSync(join(ROOT, 'node_modules')))
    symlinkSync(own[name] ?? join(ROOT, 'node_modules', name), join(modules, name));
  return folder;
}

/** Starts the script without npm, which would be a process between the test and the server. */
function startServer(test: TestContext, folder: string): Program {
  const description: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const script = String(Reflect.get(Object(Reflect.get(Object(description), 'scripts')), 'start'));
  return start(test, 'sh', ['-c', `cd "$1" && ${script} --port-base 0`, 'sh', folder]);
}

describe('npm start', { timeout: HANGS_MS }, () => {
  // Without a compiler each start prints that there is no addon.
  const skip = unlessAddonLoads();
  it('says that it builds, serves, and says nothing when all is built', { skip }, async (test) => {
    const folder = clone(test);
    for (const said of [SAYS, '']) {
      const running = startServer(test, folder);
      const visitor = await visit(test, await running.stdout.number(/^ +echo +(\d+)/));
      visitor.socket.end();
      const [, url = ''] = await running.stdout.line(/^Dashboard: (http:\S+)$/);
      assert.match(await (await fetch(`${url}main.js`)).text(), /EventSource/);
      assert.deepEqual(await running.interrupt(), { status: 0, signal: null }, running.stderr.text);
      assert.equal(running.stderr.text, said);
    }
    assert.equal(existsSync(join(folder, 'build')), false, 'neither tests nor benchmarks');
    assert.equal(existsSync(join(folder, 'dist', 'asynctcp', 'dial.test.js')), false);
    assert.equal(existsSync(join(folder, 'web', 'dist', 'dashboard', 'token.test.js')), false);
  });
});
