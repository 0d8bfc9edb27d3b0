// Runs the compiled tests with Node's own runner: `npm run test:unit -- [part of a file's name …]`. With
// `--programs` it runs those of test/programs, test/web-programs and web/test/browser instead, which need more time and more of
// Debian's packages. `--times` prints the time of each file at the end.
import { readdirSync } from 'node:fs';
import { relative } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';

/** Files that are played at the same time. */
const AT_ONCE = 2;

/**
 * Files that `npm test` has no time for: the contract on pairs of stacks and in tasks, random programs, short
 * forms of long runs, and whole systems of processes.
 */
const MORE = [
  'test/targets/in-task',
  'test/targets/kernel-with-node',
  'test/targets/recording',
  'test/targets/virtual-',
  'test/conformance/lwip-peer',
  'test/conformance/malformed',
  'test/kernel/',
  'test/tap/',
  'test/faults/',
  'test/fuzz/',
  'test/multipart-fuzz',
  'test/sim/vopr/',
  'test/soak/',
  'test/slow-readers',
  'test/e2e/closing',
  'test/e2e/copies',
  'test/e2e/tasks',
];

/** The files that take longest, the longest first: started last, one of them would run alone at the end. */
const SLOW = [
  'test/targets/node',
  'test/targets/kernel.',
  'test/targets/in-task',
  'test/targets/kernel-with-node',
  'test/kernel/',
  'test/tap/',
  'test/e2e/examples',
  'test/soak/',
  'test/e2e/copies',
  'test/e2e/closing',
  'test/e2e/',
  'test/node-suite/',
  'test/contract/model',
  'test/docs/',
  'test/net/',
];

const args = process.argv.slice(2);
const printsTimes = args.includes('--times');
const wanted = args.filter((word) => !word.startsWith('--'));

/** Returns the place of a file's kind in `SLOW`; the other files come behind. */
function rankOf(file) {
  const rank = SLOW.findIndex((part) => file.includes(part));
  return rank < 0 ? SLOW.length : rank;
}

const isProgram = (name) => /^(build\/test\/(web-)?programs|web\/build\/test\/browser)\//.test(name);
const isMore = (name) => MORE.some((part) => name.includes(part));

function isWanted(name) {
  const wantsPrograms = args.includes('--programs');
  if (wantsPrograms || isProgram(name)) return wantsPrograms && isProgram(name);
  if (args.includes('--more')) return isMore(name);
  return wanted.length > 0 || !isMore(name);
}

const files = ['dist', 'build/bench', 'build/test', 'web/dist', 'web/build']
  .flatMap((folder) => readdirSync(folder, { recursive: true }).map((name) => `${folder}/${name}`))
  .filter((name) => name.endsWith('.test.js'))
  .filter(isWanted)
  .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
  .sort()
  .sort((one, other) => rankOf(one) - rankOf(other));

if (files.length === 0) {
  console.error(`no test file's name has ${wanted.join(' or ')} in it`);
  process.exit(2);
}

// The runner starts the files with the options of this process. The command `node --test` would sort them.
process.execArgv.push('--enable-source-maps');

/** Milliseconds by the file of the source in which a test stands. */
const times = new Map();

function note({ nesting, file, details }) {
  if (nesting > 0 || file === undefined) return;
  const name = relative('.', file);
  times.set(name, (times.get(name) ?? 0) + details.duration_ms);
}

const tests = run({ files, concurrency: AT_ONCE });
tests.on('test:pass', note);
tests.on('test:fail', (event) => {
  note(event);
  if (event.todo === undefined) process.exitCode = 1;
});
tests.on('end', () => {
  if (!printsTimes) return;
  const slowest = [...times].sort(([, one], [, other]) => other - one);
  for (const [name, ms] of slowest) console.log(`${(ms / 1000).toFixed(1).padStart(7)} s  ${name}`);
});
tests.compose(new spec()).pipe(process.stdout);
