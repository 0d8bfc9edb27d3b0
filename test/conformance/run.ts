/**
 * Plays the packetdrill scripts of a folder against netstack: `npm run test:conformance -- FOLDER`. The
 * public scripts are GPL and stay out of the repository; test/README.md says where they are.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { PROFILES } from '#src/netstack/profile.js';
import { ROOT } from '../docs/pages.js';
import { whyNotApplicable } from './packetdrill/applicable.js';
import { makeNetStack } from './packetdrill/net-stack.js';
import { CAUSES, compareWithList, readList, writeList, type Cause } from './packetdrill/not-passing.js';
import { describeResult, playScript, type ScriptResult } from './packetdrill/play-script.js';
import { DEFAULTS } from './packetdrill/settings.js';

const LIST = join(ROOT, 'test', 'conformance', 'not-passing.json');

const HELP = `Usage: npm run test:conformance -- FOLDER [options]

Plays the packetdrill scripts FOLDER/**/*.pkt against netstack in the linux profile, in virtual time, and compares
those that do not pass with the list in both directions.

  --match TEXT   only scripts whose name contains TEXT
  --all          also the scripts that do not count as applicable
  --list FILE    the list of the scripts that do not pass
  --write        put the scripts that fail on the list, with the reason, and take off those that pass
  --report FILE  write the results to FILE, as JSON
  --seed N       seed of the stack's chance; 1 by default
  --help         this text

The causes on the list:
${Object.entries(CAUSES)
  .map(([cause, text]) => `  ${cause.padEnd(12)} ${text}\n`)
  .join('')}
The status is 1 if a script does not pass and is not listed, or passes and is listed; 2 if nothing can be played.`;

function refuse(text: string): never {
  console.error(`test-conformance: ${text}`);
  process.exit(2);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    match: { type: 'string', default: '' },
    all: { type: 'boolean', default: false },
    list: { type: 'string', default: LIST },
    write: { type: 'boolean', default: false },
    report: { type: 'string' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const [folder] = positionals;
if (folder === undefined || !existsSync(folder))
  refuse('a folder with scripts is missing; --help prints the options');

const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.pkt') && name.includes(values.match))
  .sort();
if (names.length === 0) refuse(`there is no such script in ${resolve(folder)}`);

const makeStack = makeNetStack({ ...PROFILES.linux, tcp: DEFAULTS }, Number(values.seed));
const results: ScriptResult[] = [];
const leftOut = new Map<string, number>();
for (const name of names) {
  const source = readFileSync(join(folder, name), 'utf8');
  const reason = values.all ? undefined : whyNotApplicable(source);
  if (reason === undefined) results.push(playScript(name, source, { makeStack, isExact: false }));
  else leftOut.set(reason, (leftOut.get(reason) ?? 0) + 1);
}

function section(title: string, lines: readonly string[]): void {
  if (lines.length > 0)
    console.log(`\n${title} (${lines.length}):\n${lines.map((line) => `  ${line}`).join('\n')}`);
}

const list = readList(values.list);
const { unlisted, stale, listed } = compareWithList(results, list);
const passed = results.filter(({ outcome }) => outcome === 'passed');
section('pass', passed.map(describeResult));
section(
  'do not pass, as listed',
  listed.map(([result, { cause, reason }]) => `${result.name}: ${cause}: ${reason}`),
);
section('do not pass and are not listed', unlisted.map(describeResult));
section(
  'pass and are listed',
  stale.map(({ name }) => name),
);
section(
  'do not count',
  [...leftOut].map(([reason, count]) => `${count}: ${reason}`),
);
console.log(`\n${names.length} scripts, ${results.length} of which count: ${passed.length} pass`);

if (values.report !== undefined) writeFileSync(values.report, `${JSON.stringify(results, null, 1)}\n`);
if (values.write) {
  const isStale = new Set(stale.map(({ name }) => name));
  const causeOf = ({ outcome }: ScriptResult): Cause => (outcome === 'unknown' ? 'interpreter' : 'ours');
  const added = unlisted.map((result) => ({
    script: result.name,
    cause: causeOf(result),
    reason: result.reason ?? '',
  }));
  const kept = list.filter(({ script }) => !isStale.has(script));
  writeList(
    values.list,
    [...kept, ...added].sort((one, other) => (one.script < other.script ? -1 : 1)),
  );
}
process.exitCode = unlisted.length + stale.length > 0 ? 1 : 0;
