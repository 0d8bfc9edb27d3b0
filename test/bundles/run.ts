/**
 * The library in bundles: `npm run test:bundles [-- part of a bundler's name …]` makes a bundle of each kind
 * and runs it twice, as docs/bundling.md says: with the package's folder beside the bundle, and without.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { loadAddon } from '#src/addon/load-addon.js';
import { BUNDLERS, type Bundle, type Bundler } from './bundlers.js';

/** This module runs in `build/test/bundles`. */
const ROOT = join(import.meta.dirname, '..', '..', '..');
/** Ends a bundle that hangs. No passing run waits this long. */
const HANGS_MS = 120_000;
const EXPECTED_STACK = loadAddon().addon === undefined ? 'node' : 'kernel';

/** Part of the watchdog's report; on a busy machine it follows the report. */
const PLACE = /stuck in\n +at \S+.*\n/;

interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Installs the package as npm does, with the files of a release. */
function install(folder: string): void {
  const place = join(folder, 'node_modules', 'asynctcp');
  cpSync(join(ROOT, 'package.json'), join(place, 'package.json'));
  execFileSync(process.execPath, [join(ROOT, 'scripts', 'bundle.mjs'), join(place, 'dist')]);
  if (EXPECTED_STACK !== 'kernel') return;
  const binary = `${process.platform}-${process.arch}.node`;
  const built = join(ROOT, 'native', 'build', 'Release', 'asynctcp.node');
  cpSync(built, join(place, 'native', 'prebuilt', binary));
}

/** Runs the bundle. When the watchdog's report is there, the blocked callback may return. */
async function runBundle({ words, task }: Bundle, folder: string, isWatched: boolean): Promise<Outcome> {
  const bitten = join(folder, `bitten-${String(isWatched)}`);
  if (!isWatched) writeFileSync(bitten, '');
  const [command = '', ...before] = words;
  const env = { ...process.env, UNWATCHED: isWatched ? '0' : '1' };
  const child = spawn(command, [...before, task, bitten], { env, timeout: HANGS_MS });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    if (PLACE.test(stderr)) writeFileSync(bitten, '');
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  return { status, stdout, stderr };
}

/** Checks a bundle that has the package beside it: everything works. */
function checkWhole({ status, stdout, stderr }: Outcome): void {
  const expected = [
    EXPECTED_STACK === 'kernel' ? 'kernelStack kernel' : 'kernelStack refused: .*',
    `stack ${EXPECTED_STACK}`,
    'echo hello',
    'bite onData',
    `task in a thread of its own: true, stack ${EXPECTED_STACK}`,
    'task ended 0',
  ];
  assert.match(stdout, new RegExp(`^${expected.join('\n')}\n$`), stderr);
  assert.match(stderr, /Task watchdog got triggered/);
  assert.match(stderr, /client +127\.0\.0\.1:\d+ \(here 127\.0\.0\.1:\d+\), Established/);
  assert.match(stderr, PLACE);
  assert.equal(status, 0, stderr);
}

/**
 * Checks a bundle without the package: it still runs, and each missing part prints the reason and the remedy.
 */
function checkAlone({ status, stdout, stderr }: Outcome, folder: string): void {
  const reason = `This program is a bundle, and the package asynctcp is not installed where it lies: put the package into node_modules/asynctcp of ${folder} (docs/bundling.md).`;
  const refused = `kernelStack refused: Error: there is no stack kernel: ${reason}`;
  const task = `task refused: Error: ${reason}`;
  assert.equal(stdout, `${refused}\nstack node\necho hello\nbite nothing\n${task}\n`, stderr);
  const lines = [
    `asynctcp: callbacks are not watched: ${reason} CONFIG_ASYNC_TCP_USE_WDT=0 says that this is meant.`,
    `asynctcp: the stack is node and not kernel: ${reason} CONFIG_ASYNC_TCP_STACK=node says that this is meant.`,
  ];
  const hasBinary = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);
  assert.equal(stderr, `${lines.slice(0, hasBinary ? 2 : 1).join('\n')}\n`);
  assert.equal(status, 0, stderr);
}

async function check(bundler: Bundler): Promise<void> {
  // Runtimes report their own paths without symbolic links.
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'asynctcp-bundle-')));
  try {
    const project = join(folder, 'project');
    install(project);
    for (const part of ['app.js', 'task.js']) cpSync(join(import.meta.dirname, part), join(project, part));
    writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }\n');
    const deployed = join(folder, 'deployed');
    mkdirSync(deployed);
    const bundle = await bundler.bundle(project, deployed);
    // The bundle runs without the project.
    rmSync(project, { recursive: true });
    checkAlone(await runBundle(bundle, deployed, false), deployed);
    install(deployed);
    checkWhole(await runBundle(bundle, deployed, true));
    console.log(`${bundler.name}: a conversation, the watchdog and a task, on ${EXPECTED_STACK} and alone`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const wanted = process.argv.slice(2);
const chosen = BUNDLERS.filter(
  ({ name }) => wanted.length === 0 || wanted.some((word) => name.includes(word)),
);
assert.ok(chosen.length > 0, `no bundler's name has ${wanted.join(' or ')} in it`);
for (const bundler of chosen) await check(bundler);
console.log(`${chosen.length} passed, 0 failed`);
