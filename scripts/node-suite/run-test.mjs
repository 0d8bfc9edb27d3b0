// One test of Node's suite in a process of its own, as Node's tools/test.py runs it.
import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { clearTimeout, setTimeout } from 'node:timers';

/** The groups of tests that use TCP, and the beginning of their files' names. */
export const GROUPS = ['net', 'http', 'https', 'tls', 'http2'];

/** Characters kept of the end of a test's output. */
const OUTPUT_MAX = 32_768;
/** Characters kept of a failed test's error. */
const ERROR_MAX = 160;

/** A test says itself that it does not apply here. */
const SKIPPED = /^1\.\.0 # Skipped: ?(.*)$/m;
/** The flags and environment variables that a test needs, in a comment at its head. */
const FLAGS = /^\/\/ Flags:\s+(.+)$/m;
const ENVIRONMENT = /^\/\/ Env:\s+(.+)$/m;
/**
 * From this major on Node warns if a program reads `localStorage` and has no file for it. The suite of 25.8 reads
 * it in every test, and many tests expect no warning.
 */
const LOCAL_STORAGE_MAJOR = 25;
/** Bytes of a test in which these comments stand. Later ones are no concern of the suite's tools either. */
const HEAD_BYTES = 1500;

/** The ids of the processes that run now. Each leads a process group. */
const running = new Set();

/**
 * @typedef {object} Settings
 * @property {string} suite path of the folder that has Node's `test` folder
 * @property {string} node path of the binary
 * @property {number} major of the binary
 * @property {string[]} flags for every test, such as the hook's
 * @property {string} scratch folder for the tests' files
 * @property {number} timeoutMs
 *
 * @typedef {object} Result
 * @property {string} test name of the file, without its extension
 * @property {string} group
 * @property {'pass' | 'fail' | 'skip'} outcome
 * @property {number} ms
 * @property {string} detail the error, or the reason for which the test skips itself
 * @property {string} output the end of what a failed test printed
 */

const wordsOf = (source, pattern) => (pattern.exec(source)?.[1] ?? '').trim().split(/\s+/).filter(Boolean);

/** Returns what the head of a test asks for. */
export function needsOf(source) {
  const head = source.slice(0, HEAD_BYTES);
  const pairs = wordsOf(head, ENVIRONMENT).map((word) => word.split(/=(.*)/s).slice(0, 2));
  return { flags: wordsOf(head, FLAGS), env: Object.fromEntries(pairs) };
}

/** Returns the environment without the caller's settings of Node, which would change the tests. */
function environment(settings, slot, own) {
  const foreign = Object.entries(process.env).filter(([name]) => !name.startsWith('NODE_'));
  return {
    ...Object.fromEntries(foreign),
    NODE_TEST_DIR: settings.scratch,
    TEST_SERIAL_ID: String(slot),
    TEST_THREAD_ID: String(slot),
    TEST_PARALLEL: '1',
    ...own,
  };
}

/** Returns the flags that the runner gives to a test. */
function runnersFlags({ major, flags, scratch }, slot) {
  if (major < LOCAL_STORAGE_MAJOR) return flags;
  return [...flags, `--localstorage-file=${join(scratch, `storage.${slot}`)}`];
}

/** Kills a test and the processes that it started. */
function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/** Ends the tests that run now. */
export function killAll() {
  running.forEach(killGroup);
}

/** Returns the line of a test's output that names the error, and what it announces by a colon. */
export function errorOf(output) {
  const lines = output.split('\n').map((line) => line.trim());
  const filled = lines.filter((line) => line !== '' && !line.startsWith('Node.js v'));
  const isError = (line) => /^(Uncaught )?\w*(Error|Exception)\b.*[[:]/.test(line);
  const isMismatch = (line) => /^Mismatched .* function calls/.test(line);
  const found = filled.findIndex(isError);
  const start = found >= 0 ? found : filled.findIndex(isMismatch);
  if (start < 0) return (filled.at(-1) ?? 'no output').slice(0, ERROR_MAX);
  const stack = filled.findIndex((line, index) => index > start && line.startsWith('at '));
  const end = filled[start].endsWith(':') && stack > 0 ? stack : start + 1;
  const text = filled
    .slice(start, end)
    .filter((line) => line !== '+ actual - expected')
    .join(' ');
  return text.slice(0, ERROR_MAX);
}

function outcomeOf({ code, signal, timedOut, output, timeoutMs }) {
  const skipped = SKIPPED.exec(output);
  if (timedOut) return { outcome: 'fail', detail: `does not end within ${timeoutMs / 1000} s` };
  if (signal !== null) return { outcome: 'fail', detail: `${signal}: ${errorOf(output)}` };
  if (code !== 0) return { outcome: 'fail', detail: errorOf(output) };
  return skipped === null ? { outcome: 'pass', detail: '' } : { outcome: 'skip', detail: skipped[1] };
}

/**
 * Runs a test. Tests that run at the same time need different slots, from which they take their folders.
 * @param {{ file: string, test: string, group: string }} test
 * @param {number} slot
 * @param {Settings} settings
 * @returns {Promise<Result>}
 */
export function runTest({ file, test, group }, slot, settings) {
  const { flags, env } = needsOf(readFileSync(file, 'utf8'));
  const folder = join(settings.scratch, `.tmp.${slot}`);
  rmSync(folder, { recursive: true, force: true });
  const startMs = performance.now();
  const child = spawn(settings.node, [...runnersFlags(settings, slot), ...flags, file], {
    cwd: settings.suite,
    env: environment(settings, slot, env),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  return new Promise((resolve, reject) => {
    let output = '';
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      killGroup(child.pid);
      // A process that left the group may hold the pipes open.
      child.stdout.destroy();
      child.stderr.destroy();
    }, settings.timeoutMs);
    const append = (text) => (output = (output + text).slice(-OUTPUT_MAX));
    child.stdout.setEncoding('utf8').on('data', append);
    child.stderr.setEncoding('utf8').on('data', append);
    child.on('spawn', () => running.add(child.pid));
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on('exit', () => {
      running.delete(child.pid);
      killGroup(child.pid);
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const ms = Math.round(performance.now() - startMs);
      const judged = outcomeOf({ code, signal, timedOut, output, timeoutMs: settings.timeoutMs });
      resolve({ test, group, ...judged, ms, output: judged.outcome === 'fail' ? output : '' });
    });
  });
}
