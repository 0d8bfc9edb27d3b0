// The list of the tests that do not pass, and its comparison with the results of a run.
import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';

/** Why a test does not pass. */
export const CAUSES = {
  node: 'the test fails without the hook too',
  private: 'the test looks at a private part of Node that the hook replaces',
  ours: 'a fault of ours',
};

const FIELDS = new Set(['test', 'node', 'cause', 'reason', 'flaky']);

/**
 * @typedef {object} Entry
 * @property {string} test name of the test's file, without its extension
 * @property {number[]} node majors of Node on which it does not pass
 * @property {keyof typeof CAUSES} cause
 * @property {string} reason one line
 * @property {true} [flaky] the test passes at times, without the hook too
 */

/** Returns what is wrong with an entry, or undefined. */
function faultOf(entry) {
  const { test, node, cause, reason, flaky } = entry;
  const unknown = Object.keys(entry).filter((name) => !FIELDS.has(name));
  if (unknown.length > 0) return `has a field '${unknown.join(', ')}'`;
  if (typeof test !== 'string' || test === '') return 'has no test';
  if (!Array.isArray(node) || node.length === 0 || !node.every(Number.isInteger))
    return 'has no majors in node';
  if (!Object.hasOwn(CAUSES, cause)) return `has a cause that is none of ${Object.keys(CAUSES).join(', ')}`;
  if (typeof reason !== 'string' || reason === '' || reason.includes('\n'))
    return 'has no reason of one line';
  if (flaky === undefined) return undefined;
  if (flaky !== true) return 'has a value of flaky other than true';
  return cause === 'node' ? undefined : 'is flaky, which only a test may be that is so without the hook';
}

/**
 * Reads the list.
 * @returns {Entry[]}
 * @throws {Error} if an entry is not complete, or two are for the same test and major
 */
export function readList(file) {
  const entries = JSON.parse(readFileSync(file, 'utf8'));
  const seen = new Set();
  for (const entry of entries) {
    const fault = faultOf(entry);
    if (fault !== undefined) throw new Error(`${file}: ${entry.test ?? JSON.stringify(entry)} ${fault}`);
    for (const major of entry.node) {
      const key = `${entry.test} on Node ${major}`;
      if (seen.has(key)) throw new Error(`${file}: ${key} is listed twice`);
      seen.add(key);
    }
  }
  return entries;
}

/** Writes the list in the order of its tests, in the style of the repository. */
export async function writeList(file, entries) {
  const sorted = entries.toSorted((a, b) => (a.test < b.test ? -1 : Number(a.test > b.test)));
  const options = { ...(await resolveConfig(file)), filepath: file };
  writeFileSync(file, await format(JSON.stringify(sorted, null, 2), options));
}

/**
 * Returns the entries for a run. Without the hook they are those of tests that fail without it.
 * @param {Entry[]} entries
 * @param {{ major: number, hook: boolean }} run
 */
const entriesFor = (entries, { major, hook }) =>
  entries.filter(({ node, cause }) => node.includes(major) && (hook || cause === 'node'));

/**
 * Compares the results of a run with the list. A test that skips itself is in neither of the answers.
 * @param {import('./run-test.mjs').Result[]} results
 * @param {Entry[]} entries
 * @param {{ major: number, hook: boolean }} run
 */
export function compare(results, entries, run) {
  const listed = new Map(entriesFor(entries, run).map((entry) => [entry.test, entry]));
  const failed = results.filter(({ outcome }) => outcome === 'fail');
  return {
    /** Tests that fail as listed. */
    expected: failed.filter(({ test }) => listed.has(test)),
    /** Tests that fail and are not listed. */
    unlisted: failed.filter(({ test }) => !listed.has(test)),
    /** Tests that pass and are listed. */
    stale: results.filter(
      ({ test, outcome }) => outcome === 'pass' && listed.has(test) && listed.get(test).flaky !== true,
    ),
  };
}

/**
 * Returns the list as the results of a run would have it: a test that fails is added, with its error as the
 * reason, and the major of a run is taken out of the entry of a test that passes.
 */
export function updated(entries, { unlisted, stale }, { major, hook }) {
  const passing = new Set(stale.map(({ test }) => test));
  const isOfRun = ({ node, cause }) => node.includes(major) && (hook || cause === 'node');
  const kept = entries
    .map((entry) =>
      passing.has(entry.test) && isOfRun(entry)
        ? { ...entry, node: entry.node.filter((each) => each !== major) }
        : { ...entry },
    )
    .filter(({ node }) => node.length > 0);
  const cause = hook ? 'ours' : 'node';
  for (const { test, detail } of unlisted) {
    const known = kept.find((entry) => entry.test === test && (hook || entry.cause === cause));
    if (known === undefined) kept.push({ test, node: [major], cause, reason: detail });
    else known.node = [...known.node, major].sort((a, b) => a - b);
  }
  return kept;
}
