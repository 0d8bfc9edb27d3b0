// Builds only the needs of `npm start`: the library, its command and the dashboard, without a check of their
// types, and the addon. `npm run build` builds and checks everything.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { built, isNewerThan, root, sources } from './native.mjs';

/** Compiles a package without checking or writing types. `tsc --build` ignores the result. */
const PACKAGE_ALONE = [
  ...['--noCheck', '--composite', 'false', '--incremental', 'false'],
  ...['--tsBuildInfoFile', 'null', '--declaration', 'false', '--declarationMap', 'false'],
];

/** The packages that the server is made of: the library with its command, and the dashboard's. */
const PACKAGES = [
  { folder: '.', project: 'src', program: 'dist/cli/main.js', config: 'src/tsconfig.json' },
  { folder: 'web', project: 'web', program: 'web/dist/dashboard.js', config: 'web/tsconfig.json' },
];

/** Returns the sources of a package. */
function packageSources({ folder, config }) {
  const names = readdirSync(join(root, folder, 'src'), { recursive: true });
  const files = names.filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
  return [...files.map((name) => join(root, folder, 'src', name)), join(root, config)];
}

/** `npm run build` always writes the notes of the compiler, and the program only if it has changed. */
function isCompiled(part) {
  const program = join(root, part.program);
  const wholeBuild = join(root, part.folder, 'dist', '.tsbuildinfo');
  const files = packageSources(part);
  return existsSync(program) && [program, wholeBuild].some((file) => isNewerThan(file, files));
}

const stale = PACKAGES.filter((part) => !isCompiled(part));
const isBuilt = process.platform !== 'linux' || isNewerThan(built, sources());

/** Runs a script with Node, beside others. Resolves with its exit status. */
function run(...words) {
  const child = spawn(process.execPath, words, { cwd: root, stdio: 'inherit' });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (status) => resolve(status ?? 1));
  });
}

if (stale.length > 0 || !isBuilt) {
  console.error('building the server, which takes some seconds (the first time, and after a change)');
  const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const statuses = await Promise.all([
    ...stale.map(({ project }) => run(compiler, '--project', project, ...PACKAGE_ALONE)),
    isBuilt ? 0 : run(join('scripts', 'build-native.mjs'), '--addon-alone'),
  ]);
  process.exitCode = Math.max(...statuses);
}
