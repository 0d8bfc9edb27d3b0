/**
 * Makes bundles of the test's programs with each bundler. The bundlers are not dependencies of the project:
 * they are installed into a folder of the cache, in the versions below.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import process from 'node:process';
import { installRuntime } from '../../bench/runtimes.js';

const VERSIONS = {
  esbuild: '0.28.2',
  rolldown: '1.3.2',
  webpack: '5.112.2',
  postject: '1.0.0-alpha.6',
} as const;

/** This module runs two levels below the package's `build`. */
const CACHE = join(import.meta.dirname, '..', '..', '..', '.cache', 'bundlers');
/** Ends a command that hangs. No passing run waits this long. */
const HANGS_MS = 300_000;

function run(command: string, words: readonly string[], cwd: string): void {
  const { status, error, stdout, stderr } = spawnSync(command, words, {
    cwd,
    timeout: HANGS_MS,
    encoding: 'utf8',
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${command} ended with status ${String(status)}:\n${stdout}${stderr}`);
}

/** Installs the bundlers if they are not installed. Returns the folder of their node_modules. */
function installed(): string {
  const names = Object.entries(VERSIONS).map(([name, version]) => `${name}@${version}`);
  const folder = join(CACHE, names.join('+'));
  if (existsSync(folder)) return folder;
  process.stderr.write(`installing ${names.join(' ')}\n`);
  // Renamed when it is complete, so that an interrupted run leaves no incomplete folder.
  const unfinished = `${folder}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  writeFileSync(join(unfinished, 'package.json'), '{ "private": true }\n');
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  run('npm', ['install', ...flags, ...names], unfinished);
  renameSync(unfinished, folder);
  return folder;
}

/** A bundled program. */
export interface Bundle {
  /** The command that starts it, without its arguments. */
  readonly words: readonly string[];
  /** The bundle that runs as the task. */
  readonly task: string;
}

/** Bundles `app.js` and `task.js` of the folder `from` into the folder `into`. */
export interface Bundler {
  readonly name: string;
  bundle(from: string, into: string): Promise<Bundle>;
}

/** The command that makes one bundle. */
type Words = (source: string, target: string, tools: string) => readonly string[];

function byCommand(name: string, ending: string, wordsOf: Words): Bundler {
  return {
    name,
    bundle: async (from, into) => {
      const tools = installed();
      for (const part of ['app', 'task']) {
        const [command = '', ...words] = wordsOf(
          join(from, `${part}.js`),
          join(into, `${part}.${ending}`),
          tools,
        );
        run(command, words, from);
      }
      return Promise.resolve({
        words: [process.execPath, join(into, `app.${ending}`)],
        task: join(into, `task.${ending}`),
      });
    },
  };
}

function esbuild(format: 'cjs' | 'esm', ending: string): Bundler {
  return byCommand(`esbuild ${format}`, ending, (source, target, tools) => [
    join(tools, 'node_modules', '.bin', 'esbuild'),
    ...[source, '--bundle', '--minify', '--platform=node', `--format=${format}`, `--outfile=${target}`],
  ]);
}

function rolldown(format: 'cjs' | 'esm', ending: string): Bundler {
  return byCommand(`rolldown ${format}`, ending, (source, target, tools) => [
    join(tools, 'node_modules', '.bin', 'rolldown'),
    ...[source, '--platform=node', `--format=${format}`, `--file=${target}`],
  ]);
}

/** webpack without its command line, which is one more package: a program that calls its API. */
function webpack(format: 'cjs' | 'esm', ending: string): Bundler {
  const isModule = format === 'esm';
  return byCommand(`webpack ${format}`, ending, (source, target, tools) => {
    const options = {
      mode: 'production',
      target: 'node20',
      entry: source,
      experiments: { outputModule: isModule },
      output: {
        path: join(target, '..'),
        filename: basename(target),
        ...(isModule ? { module: true, library: { type: 'module' } } : {}),
      },
    };
    const program = `
      require('webpack')(${JSON.stringify(options)}, (error, stats) => {
        if (error === null && !stats.hasErrors() && !stats.hasWarnings()) return;
        console.error(error ?? stats.toString());
        process.exit(1);
      });`;
    const file = join(tools, `webpack-${format}-${basename(target, ending)}cjs`);
    writeFileSync(file, program);
    return [process.execPath, file];
  });
}

function bun(format: 'cjs' | 'esm', ending: string): Bundler {
  return {
    name: `bun build ${format}`,
    bundle: async (from, into) => {
      const { program, reason } = await installRuntime('bun');
      if (program === undefined) throw new Error(`bun cannot be tried: ${reason}`);
      const maker = byCommand('', ending, (source, target) => [
        program,
        ...['build', source, '--target=node', `--format=${format}`, `--outfile=${target}`],
      ]);
      return maker.bundle(from, into);
    },
  };
}

/** Node's single executable application: the bundle of esbuild in a copy of Node. */
const singleExecutable: Bundler = {
  name: 'single executable',
  bundle: async (from, into) => {
    const { task } = await esbuild('cjs', 'cjs').bundle(from, into);
    const executable = join(into, 'app');
    const blob = join(from, 'app.blob');
    const settings = { main: join(into, 'app.cjs'), output: blob, disableExperimentalSEAWarning: true };
    writeFileSync(join(from, 'sea.json'), JSON.stringify(settings));
    run(process.execPath, ['--experimental-sea-config', 'sea.json'], from);
    rmSync(join(into, 'app.cjs'));
    copyFileSync(process.execPath, executable);
    chmodSync(executable, 0o755);
    const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';
    const postject = createRequire(join(installed(), 'package.json')).resolve('postject/dist/cli.js');
    const words = [postject, executable, 'NODE_SEA_BLOB', blob, '--sentinel-fuse', fuse];
    run(process.execPath, words, from);
    return { words: [executable], task };
  },
};

export const BUNDLERS: readonly Bundler[] = [
  esbuild('esm', 'mjs'),
  esbuild('cjs', 'cjs'),
  rolldown('esm', 'mjs'),
  rolldown('cjs', 'cjs'),
  webpack('esm', 'mjs'),
  webpack('cjs', 'cjs'),
  bun('esm', 'mjs'),
  bun('cjs', 'cjs'),
  singleExecutable,
];
