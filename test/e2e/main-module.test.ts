/**
 * A program in a thread of its own is the thread's main module: `require.main === module` and the like hold.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, it, type TestContext } from 'node:test';
import { HANGS_MS, program, startRun, temporaryFolder } from './programs/inline.js';
import { start } from './programs.js';

/** Modules that print true if they are the main module. */
const COMMON_JS = "console.log('main', require.main === module, module.children.length);";
const ESM = "console.log('main', import.meta.main ?? 'unknown here'); await null; console.log('whole');";
/** True if this Node has `import.meta.main`. */
const SEEN = execFileSync(process.execPath, ['--input-type=module', '-e', 'console.log(import.meta.main)'], {
  encoding: 'utf8',
}).trim();
const ESM_SAYS = `main ${SEEN === 'true' ? 'true' : 'unknown here'}\nwhole\n`;

const PROGRAMS: readonly [file: string, text: string, says: string][] = [
  ['guarded.cjs', COMMON_JS, 'main true 0\n'],
  ['guarded.js', COMMON_JS, 'main true 0\n'],
  ['guarded.mjs', ESM, ESM_SAYS],
  ['with space & %41.mjs', ESM, ESM_SAYS],
];

function written(test: TestContext, file: string, text: string): string {
  const path = join(temporaryFolder(test), file);
  writeFileSync(path, text);
  return path;
}

/** Returns a program that starts another one as a task, and prints its outcome. */
function starter(test: TestContext, program_: string): string {
  const text = `
    const task = asynctcp.startTask(${JSON.stringify(program_)});
    const [ready, ended] = await Promise.allSettled([task.ready, task.ended]);
    console.error(ready.status, ready.reason?.message, ended.value ?? ended.reason.message);`;
  return program(test, text);
}

async function outcome(test: TestContext, url: string): Promise<{ said: string; went: string }> {
  const running = start(test, process.execPath, [starter(test, url)]);
  await running.ended;
  return { said: running.stdout.text, went: running.stderr.text };
}

describe('the main module', { concurrency: true, timeout: HANGS_MS }, () => {
  for (const [file, text, says] of PROGRAMS) {
    it(`of asynctcp run is ${file}`, async (test) => {
      const running = startRun(test, ['-q', written(test, file, text)]);
      assert.deepEqual(await running.ended, { status: 0, signal: null }, running.stderr.text);
      assert.equal(running.stdout.text, says);
    });

    it(`of startTask is ${file}`, async (test) => {
      const { href } = pathToFileURL(written(test, file, text));
      assert.deepEqual(await outcome(test, href), { said: says, went: 'fulfilled undefined 0\n' });
    });
  }

  it('is evaluated once, also through a symbolic link and by a URL with a query', async (test) => {
    const folder = temporaryFolder(test);
    mkdirSync(join(folder, 'real'));
    for (const [file, text] of [
      ['once.mjs', "console.log('evaluated');"],
      ['once.cjs', "console.log('evaluated');"],
    ] as const) {
      const real = join(folder, 'real', file);
      writeFileSync(real, text);
      symlinkSync(real, join(folder, file));
      for (const url of [pathToFileURL(join(folder, file)).href, `${pathToFileURL(real).href}?query`]) {
        assert.deepEqual(await outcome(test, url), {
          said: 'evaluated\n',
          went: 'fulfilled undefined 0\n',
        });
      }
    }
  });

  it('that throws rejects ready and ended, of either kind', async (test) => {
    for (const file of ['broken.cjs', 'broken.mjs']) {
      const path = written(test, file, "throw new RangeError('broken');");
      const { went } = await outcome(test, pathToFileURL(path).href);
      assert.equal(went, 'rejected broken broken\n');
    }
  });

  it('may be a URL that is no file', async (test) => {
    const { said, went } = await outcome(test, "data:text/javascript,console.log('data')");
    assert.deepEqual([said, went], ['data\n', 'fulfilled undefined 0\n']);
  });

  it('is ready only when what it awaits at its top has come', async (test) => {
    const path = written(
      test,
      'waiting.mjs',
      `import { parentPort } from 'node:worker_threads';
       const text = await new Promise((go) => parentPort.once('message', go));
       parentPort.postMessage(text);`,
    );
    const text = `
      const task = asynctcp.startTask(${JSON.stringify(pathToFileURL(path).href)});
      const order = [];
      task.ready.then(() => order.push('ready'));
      task.onMessage((value) => order.push(value));
      await task.started;
      await new Promise((resolve) => setTimeout(resolve, 300));
      task.postMessage('asked');
      await task.ended;
      console.log(order.join());`;
    const running = start(test, process.execPath, [program(test, text)]);
    await running.ended;
    assert.match(running.stdout.text, /^(asked,ready|ready,asked)\n$/);
  });
});
