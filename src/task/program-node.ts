/**
 * Runs a program as the main one of its thread, as Node runs the first file of a worker: `require.main ===
 * module` and `import.meta.main` hold in it, and an error that its module throws is uncaught.
 */
import { runMain } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { setImmediate } from '../support/immediate.js';

/** With this option Node keeps a program's symbolic link, and the URL of its module is not known here. */
const KEEPS_LINKS = /--preserve-symlinks-main\b/;

/** Returns the path of a program that Node can run as the main one; `undefined` for any other URL. */
function mainPath(program: string): string | undefined {
  const { protocol, search, hash } = new URL(program);
  const keepsLinks = KEEPS_LINKS.test([process.env['NODE_OPTIONS'], ...process.execArgv].join(' '));
  const canBeMain = protocol === 'file:' && search === '' && hash === '' && !keepsLinks;
  return canBeMain ? fileURLToPath(program) : undefined;
}

/**
 * Begins to run the program once the caller's module was evaluated.
 * @param ready is called when the program's module was evaluated.
 */
export function runProgram(program: string, ready: () => void): void {
  const path = mainPath(program);
  setImmediate(() => {
    if (path === undefined) {
      void import(program).then(ready);
      return;
    }
    runMain(path);
    // A program in CommonJS was evaluated within `runMain`.
    if (isCommonJs()) {
      ready();
      return;
    }
    // The module is being loaded as the main one by now: this import waits for the same module. If it
    // fails, the thread ends with its error.
    setImmediate(() => {
      void import(pathToFileURL(path).href).then(ready, () => undefined);
    });
  });
}

function isCommonJs(): boolean {
  return Reflect.get(process, 'mainModule') !== undefined;
}
