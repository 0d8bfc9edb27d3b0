// Runs those of Node's own tests that use TCP, under the hook of asynctcp/net/register or without it, and
// compares the ones that fail with test/node-suite/not-passing.json. The suite is Node's and stays out of the
// repository. `npm run test:node-suite -- --help` prints the options; test/README.md says where a suite is.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, parse, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { CAUSES, compare, entriesOf, readList, updated, writeList } from './node-suite/list.mjs';
import { faultOfHook } from './node-suite/probe.mjs';
import { GROUPS, killAll, runTest } from './node-suite/run-test.mjs';

const root = resolve(import.meta.dirname, '..');
const LIST = join(root, 'test', 'node-suite', 'not-passing.json');
const HOOK = 'asynctcp/net/register';
const JOBS_MAX = 64;
const TIMEOUT_MAX = 3600;

const HELP = `Usage: npm run test:node-suite -- --suite DIR [options]

Runs the tests DIR/test/parallel/test-{${GROUPS.join(',')}}-* of Node's source, each in a process of its own,
with \`--import ${HOOK}\` of this checkout. A test that fails and is not listed runs again without the hook.
First a server and a connection run under the hook, which must say with NODE_DEBUG=asynctcp that it carries them.

  --suite DIR         Node's source, or a copy of its folders test/parallel, test/common and test/fixtures
  --node BINARY       the Node that runs the tests; the one that runs this script by default
  --no-hook           only run the tests without the hook
  --import FILE       another module as the hook
  --only GROUPS       only these groups of ${GROUPS.join(',')}
  --match TEXT        only tests whose name contains TEXT
  --jobs N            tests at the same time, 1 to ${JOBS_MAX}; 2 by default
  --timeout SECONDS   a test that takes longer fails; 60 by default
  --list FILE         the list of the tests that do not pass; ${relative(root, LIST)} by default
  --write             put the tests that fail on the list, with their error as the reason, and take off those
                      that pass
  --report FILE       write the outcome of every test to FILE, as JSON
  --verbose           print what the tests print that fail and are not listed
  --help              this text

An entry of the list has the test's name, the majors of Node on which it does not pass, the cause and the
reason in one line. The causes:
${Object.entries(CAUSES)
  .map(([cause, text]) => `  ${cause.padEnd(18)}  ${text}\n`)
  .join('')}
The status is 1 if a test passes without the hook, fails with it and is not listed, or if a test passes that
is listed and not flaky; 2 if the tests cannot run.`;

function refuse(text) {
  console.error(`test-node-suite: ${text}`);
  process.exit(2);
}

/** Returns a whole number from an option's text. */
function wholeNumber(name, text, min, max) {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= min && number <= max) return number;
  return refuse(`--${name}: '${text}' is not a whole number from ${min} to ${max}`);
}

function parseOptions() {
  try {
    const { values } = parseArgs({
      allowNegative: true,
      options: {
        suite: { type: 'string' },
        node: { type: 'string', default: process.execPath },
        hook: { type: 'boolean', default: true },
        import: { type: 'string' },
        only: { type: 'string', default: GROUPS.join(',') },
        match: { type: 'string', default: '' },
        jobs: { type: 'string', default: '2' },
        timeout: { type: 'string', default: '60' },
        list: { type: 'string', default: LIST },
        write: { type: 'boolean', default: false },
        report: { type: 'string' },
        verbose: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch (error) {
    // parseArgs appends advice to some messages. The first sentence is enough.
    return refuse(error.message.split(/\. |\n/, 1)[0].replace(/\.$/, ''));
  }
}

function checkedOptions() {
  const values = parseOptions();
  if (values.help) {
    console.log(HELP);
    process.exit(0);
  }
  if (values.suite === undefined) refuse('--suite is missing; --help prints the options');
  const folder = join(resolve(values.suite), 'test', 'parallel');
  if (!existsSync(folder)) refuse(`--suite: there is no folder ${folder}`);
  if (!values.hook && values.write) refuse('--write: the list is of tests under the hook');
  if (!values.hook && values.import !== undefined) refuse('--import and --no-hook exclude each other');
  const groups = values.only.split(',').map((name) => name.trim());
  const unknown = groups.filter((name) => !GROUPS.includes(name));
  if (unknown.length > 0) refuse(`--only: '${unknown.join(', ')}' is none of ${GROUPS.join(', ')}`);
  return {
    ...values,
    suite: resolve(values.suite),
    folder,
    groups: GROUPS.filter((name) => groups.includes(name)),
    jobs: wholeNumber('jobs', values.jobs, 1, JOBS_MAX),
    timeoutMs: wholeNumber('timeout', values.timeout, 1, TIMEOUT_MAX) * 1000,
  };
}

/** Returns the path and the version of a Node binary. */
function askBinary(binary) {
  try {
    const text = execFileSync(binary, ['-p', 'process.execPath + "\\n" + process.version'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [path, version] = text.trim().split('\n');
    return { path, version, major: Number.parseInt(version.slice(1), 10) };
  } catch (error) {
    return refuse(`--node: ${error.message.split('\n', 1)[0]}`);
  }
}

/** Returns the address of the module that is the hook. */
function hookUrl(file) {
  if (file !== undefined) {
    if (!existsSync(file)) refuse(`--import: there is no file ${file}`);
    return pathToFileURL(file).href;
  }
  let url;
  try {
    url = import.meta.resolve(HOOK);
  } catch (error) {
    return refuse(`this checkout has no ${HOOK}: ${error.message}`);
  }
  if (!existsSync(new URL(url))) refuse(`${HOOK} is not built: npm run build`);
  return url;
}

function findTests({ folder, groups, match }) {
  const names = readdirSync(folder).sort();
  return groups.flatMap((group) =>
    names
      .filter((name) => name.startsWith(`test-${group}-`) && /\.m?js$/.test(name))
      .map((name) => ({ file: join(folder, name), test: parse(name).name, group }))
      .filter(({ test }) => test.includes(match)),
  );
}

/** Runs the tests, as many at the same time as there are jobs. Returns their results in the tests' order. */
async function runAll(tests, jobs, settings, onResult) {
  const results = [];
  let next = 0;
  const work = async (slot) => {
    while (next < tests.length) {
      const index = next;
      next += 1;
      results[index] = await runTest(tests[index], slot, settings);
      onResult(results[index]);
    }
  };
  await Promise.all(Array.from({ length: jobs }, (_, slot) => work(slot)));
  return results;
}

function countsOf(results, groups) {
  const count = (group, outcome) =>
    results.filter((result) => result.group === group && result.outcome === outcome).length;
  const rows = groups.map((group) => [
    group,
    ...['pass', 'fail', 'skip'].map((outcome) => count(group, outcome)),
  ]);
  return [['', 'pass', 'fail', 'skip'], ...rows]
    .map(([name, ...cells]) => name.padEnd(6) + cells.map((cell) => String(cell).padStart(6)).join(''))
    .join('\n');
}

const errorText = ({ detail }) => `: ${detail}`;

const outputText = ({ detail, output }) => `: ${detail}\n${output.trimEnd().replaceAll(/^/gm, '    ')}`;

function section(title, results, textOf) {
  if (results.length > 0) console.log(`\n${title} (${results.length}):`);
  for (const result of results) console.log(`  ${result.test}${textOf(result)}`);
}

/** Returns the list, or an empty one for a run without the hook. */
function listFor({ hook, list }) {
  if (!hook) return [];
  try {
    return readList(list);
  } catch (error) {
    return refuse(error.message);
  }
}

const options = checkedOptions();
const binary = askBinary(options.node);
const { major } = binary;
const tests = findTests(options);
if (tests.length === 0) refuse('no test has such a name');
const list = listFor(options);
const listed = entriesOf(list, major);

const scratch = mkdtempSync(join(tmpdir(), 'node-suite-'));
const plain = {
  suite: options.suite,
  node: binary.path,
  major,
  flags: [],
  scratch,
  timeoutMs: options.timeoutMs,
};
const settings = options.hook ? { ...plain, flags: ['--import', hookUrl(options.import)] } : plain;
process.on('exit', () => {
  killAll();
  rmSync(scratch, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(2));

const fault = options.hook ? faultOfHook(settings) : undefined;
if (fault !== undefined) refuse(fault);
const hookText = options.hook ? `with ${options.import ?? HOOK}` : 'without the hook';
console.log(`Node ${binary.version} ${hookText}, ${tests.length} tests`);
const results = await runAll(tests, options.jobs, settings, ({ test, outcome, ms, detail }) => {
  if (outcome !== 'fail' || listed.has(test)) return;
  console.log(`fails: ${test}, after ${(ms / 1000).toFixed(1)} s: ${detail}`);
});
const compared = compare(results, list, major);
const unlisted = new Set(compared.unlisted.map(({ test }) => test));

/** The tests that fail without the hook, too. */
const again = options.hook ? tests.filter(({ test }) => unlisted.has(test)) : [];
const failsAnyway = new Set(
  (await runAll(again, options.jobs, plain, () => {}))
    .filter(({ outcome }) => outcome === 'fail')
    .map(({ test }) => test),
);
const comparison = { ...compared, unlisted: compared.unlisted.filter(({ test }) => !failsAnyway.has(test)) };

console.log(`\n${countsOf(results, options.groups)}`);
section(
  'fail without the hook too',
  compared.unlisted.filter(({ test }) => failsAnyway.has(test)),
  errorText,
);
section('fail as listed', comparison.listed, ({ test }) => {
  const { cause, reason } = listed.get(test);
  return `: ${cause}: ${reason}`;
});
section(
  options.hook ? 'fail and are not listed' : 'fail',
  comparison.unlisted,
  options.verbose ? outputText : errorText,
);
section('pass and are listed', comparison.stale, () => '');

if (options.report !== undefined) {
  const outcomes = results.map(({ output, ...result }) => ({
    ...result,
    ...(output !== '' && { output }),
    ...(failsAnyway.has(result.test) && { failsAnyway: true }),
  }));
  const report = { node: binary.version, hook: options.hook, suite: options.suite, results: outcomes };
  writeFileSync(options.report, `${JSON.stringify(report, null, 1)}\n`);
}
if (options.write) await writeList(options.list, updated(list, comparison, major));
const isAsListed = comparison.unlisted.length + comparison.stale.length === 0;
process.exitCode = options.hook && !isAsListed ? 1 : 0;
