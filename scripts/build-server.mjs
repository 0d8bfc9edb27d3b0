// Builds only the needs of `npm start`: the library and its command, without a check of their types, and
// the addon. `npm run build` builds and checks everything.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { built, isNewerThan, root, sources } from './native.mjs';

const program = join(root, 'dist', 'cli', 'main.js');
/** `npm run build` always writes this file, and the program only if it has changed. */
const wholeBuild = join(root, 'dist', '.tsbuildinfo');
/** Compiles the program without checking or writing types. `tsc --build` ignores the result. */
const PROGRAM_ALONE = [
  ...['--project', 'src', '--noCheck', '--composite', 'false', '--incremental', 'false'],
  ...['--tsBuildInfoFile', 'null', '--declaration', 'false', '--declarationMap', 'false'],
];

/** Returns the sources of the library. */
function librarySources() {
  const names = readdirSync(join(root, 'src'), { recursive: true });
  const files = names.filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
  return [...files, 'tsconfig.json'].map((name) => join(root, 'src', name));
}

const isCompiled =
  existsSync(program) && [program, wholeBuild].some((file) => isNewerThan(file, librarySources()));
const isBuilt = process.platform !== 'linux' || isNewerThan(built, sources());

/** Runs a script with Node, beside others. Resolves with its exit status. */
function run(...words) {
  const child = spawn(process.execPath, words, { cwd: root, stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (status) => resolve(status ?? 1));
  });
}

if (!isCompiled || !isBuilt) {
  console.error('building the server, which takes some seconds (the first time, and after a change)');
  const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const statuses = await Promise.all([
    isCompiled ? 0 : run(compiler, ...PROGRAM_ALONE),
    isBuilt ? 0 : run(join('scripts', 'build-native.mjs'), '--addon-alone'),
  ]);
  process.exitCode = Math.max(...statuses);
}
