// Makes the library of a release: a few files instead of one for each module, because Node resolves, reads and
// compiles module by module, which is most of a program's start. What several entries of the package need is in
// `chunks`, once, so that they have the same state. The types stay as they are.
// `node scripts/bundle.mjs FOLDER` writes the files into the folder; without it they replace the modules of `dist`.
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '..');
const modules = join(root, 'dist');
/** First module of a task's thread. It shares its state with the program that runs there. */
const TASK = './dist/task/task-thread-node.js';
/** First module of the watchdog's thread, in which nothing else of the package runs. */
const WATCHDOG = './dist/task/watchdog-thread-node.js';

const { exports, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const doors = Object.values(exports).flatMap((target) => target.default ?? []);
const outdir = resolve(process.argv[2] ?? modules);

/** Returns the paths of the files. */
async function bundle(entryPoints) {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints,
    outbase: modules,
    outdir,
    allowOverwrite: true,
    bundle: true,
    splitting: true,
    chunkNames: 'chunks/[name]-[hash]',
    format: 'esm',
    platform: 'node',
    target: 'es2023',
    charset: 'utf8',
    sourcemap: true,
    // The sources are in the package.
    sourcesContent: false,
    metafile: true,
  });
  return Object.keys(metafile.outputs).map((file) => join(root, file));
}

const files = [...(await bundle([...doors, ...Object.values(bin), TASK])), ...(await bundle([WATCHDOG]))];
if (outdir === modules) {
  // Without its notes, the next build makes every module again.
  const isReplaced = (name) => /\.js(\.map)?$|\.tsbuildinfo$/.test(name);
  const names = readdirSync(modules, { recursive: true }).filter(isReplaced);
  for (const file of names.map((name) => join(modules, name))) if (!files.includes(file)) rmSync(file);
}
const scripts = files.filter((file) => file.endsWith('.js'));
console.log(`${scripts.length} files of the library in ${relative('', outdir)}`);
