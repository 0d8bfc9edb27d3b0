/** The process exits while the watchdog's debugger holds the thread of a task. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { unlessAddonLoads } from '../native/require-addon.js';
import { start } from './programs.js';
import { HANGS_MS, program, temporaryFolder } from './programs/inline.js';

/**
 * Reading a source map of this many entries takes the watchdog much longer than the main thread needs to
 * notice.
 */
const MAP_ENTRIES = 800_000;

/** The task's callback calls `spin`, whose script has a large source map. */
function spinning(folder: string): string {
  const file = join(folder, 'spin.mjs');
  writeFileSync(file, 'export const spin = () => { for (;;); };\n//# sourceMappingURL=spin.mjs.map\n');
  const mappings = `AAAA${',CAAC'.repeat(MAP_ENTRIES)}`;
  const map = { version: 3, sources: ['spin.ts'], names: [], mappings };
  writeFileSync(`${file}.map`, JSON.stringify(map));
  return pathToFileURL(file).href;
}

it(
  'process.exit() ends the process while the watchdog holds a blocked task',
  { timeout: HANGS_MS, skip: unlessAddonLoads() },
  async (test) => {
    const task = program(
      test,
      `import { parentPort } from 'node:worker_threads';
      import { spin } from '${spinning(temporaryFolder(test))}';
      const server = new asynctcp.AsyncServer('127.0.0.1', 0);
      server.onClient(() => {
        parentPort.postMessage('blocks');
        spin();
      });
      await server.begin();
      new asynctcp.AsyncClient().connect('127.0.0.1', server.port());`,
    );
    const text = `
      import { readFileSync } from 'node:fs';
      const task = asynctcp.startTask(new URL('${pathToFileURL(task).href}'), { wdtTimeoutS: 1 });
      const { systemThreadId } = await task.started;
      await new Promise((resolve) => { task.onMessage(resolve); });
      // A thread that spins runs or is ready to run; one that the debugger holds sleeps.
      const stat = () => readFileSync('/proc/self/task/' + systemThreadId + '/stat', 'latin1');
      while (!/\\) S /.test(stat()));
      console.log('held');
      process.exit(7);`;
    const running = start(test, process.execPath, [program(test, text)]);
    await running.stdout.line(/^held$/);
    assert.deepEqual(await running.ended, { status: 7, signal: null }, running.stderr.text);
  },
);
