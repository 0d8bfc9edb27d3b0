/**
 * Runs a program as the thread's main one, as Node runs what a worker is started on: `require.main ===
 * module` and `import.meta.main` hold in it, and what its module throws is uncaught.
 */
import { runMain } from 'node:module';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { setImmediate } from '../support/immediate.js';

/** Keeps a program's symbolic link, so that its URL cannot be told from here. */
const KEEPS_LINKS = /--preserve-symlinks-main\b/;

/** The path of a program that Node can run as the main one; `undefined` for any other URL. */
function mainPath(program: string): string | undefined {
  const { protocol, search, hash } = new URL(program);
  const keepsLinks = KEEPS_LINKS.test([process.env['NODE_OPTIONS'], ...process.execArgv].join(' '));
  const canBeMain = protocol === 'file:' && search === '' && hash === '' && !keepsLinks;
  return canBeMain ? fileURLToPath(program) : undefined;
}

/**
 * Begins to run the program once the caller's module was evaluated.
 * @param ready is told when the program's module was evaluated.
 */
export function runProgram(program: string, ready: () => void): void {
  const path = mainPath(program);
  setImmediate(() => {
    if (path === undefined) {
      void import(program).then(ready);
      return;
    }
    runMain(path);
    // Node has the main module of a program in CommonJS here, and it was evaluated.
    if (isCommonJs()) {
      ready();
      return;
    }
    // By then the module is on its way as the main one, and this is another wait for the same. That it failed
    // is told by the thread's end.
    setImmediate(() => {
      void import(pathToFileURL(path).href).then(ready, () => undefined);
    });
  });
}

function isCommonJs(): boolean {
  return Reflect.get(process, 'mainModule') !== undefined;
}
