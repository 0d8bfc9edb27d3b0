// Makes the library of a release: a few files instead of one for each module, because Node resolves, reads and
// compiles module by module, which is most of a program's start. What several entries of the package need is in
// `chunks`, once, so that they have the same state. The types stay as they are.
// `node scripts/bundle.mjs FOLDER` writes the files into the folder; without it they replace the modules of `dist`.
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'rolldown';

const root = resolve(import.meta.dirname, '..');
const modules = join(root, 'dist');
/** First module of a task's thread. It shares its state with the program that runs there. */
const TASK = './dist/task/task-thread-node.js';
/** First modules of threads in which nothing else of the package runs: each is a file of its own. */
const THREADS = ['./dist/task/watchdog-thread-node.js', './dist/cli/stuck-watch-thread.js'];

const { exports, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const doors = Object.values(exports).flatMap((target) => target.default ?? []);

/** Returns the paths of the files that belong to entries of `dist`. */
async function bundle(entries, dir) {
  const names = entries.map((path) => path.replace(/^(\.\/)?dist\/|\.js$/g, ''));
  const { output } = await build({
    cwd: root,
    input: Object.fromEntries(names.map((name) => [name, `src/${name}.ts`])),
    tsconfig: 'src/tsconfig.json',
    platform: 'node',
    output: {
      dir,
      format: 'esm',
      chunkFileNames: 'chunks/[name]-[hash].js',
      sourcemap: true,
      // The sources are in the package, and the types have the comments for users.
      sourcemapExcludeSources: true,
      comments: { jsdoc: false },
    },
    logLevel: 'warn',
  });
  return output.map(({ fileName }) => join(dir, fileName));
}

const folder = resolve(process.argv[2] ?? modules);
const library = await bundle([...doors, ...Object.values(bin), TASK], folder);
const threads = [];
for (const thread of THREADS) threads.push(...(await bundle([thread], folder)));
if (folder === modules) {
  const kept = new Set([...library, ...threads]);
  // Without the compiler's notes, the next build makes every module again.
  const isReplaced = (name) => /\.js(\.map)?$|\.tsbuildinfo$/.test(name);
  const names = readdirSync(modules, { recursive: true }).filter(isReplaced);
  for (const file of names.map((name) => join(modules, name))) if (!kept.has(file)) rmSync(file);
}
