// The list of the tests that do not pass under the hook, and its comparison with the results of a run.
import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';

/** Why a test does not pass. */
export const CAUSES = {
  private: 'the test looks at a private part of Node that the hook replaces',
  ours: 'a fault of ours',
  flaky: 'the test fails at times: it depends on the order of events that have none',
};

const FIELDS = ['test', 'node', 'cause', 'reason'];

/**
 * @typedef {import('./run-test.mjs').Result} Result
 *
 * @typedef {object} Entry
 * @property {string} test name of the test's file, without its extension
 * @property {number[]} node majors of Node on which it does not pass
 * @property {keyof typeof CAUSES} cause
 * @property {string} reason one line
 *
 * @typedef {object} Comparison
 * @property {Result[]} listed tests that fail as listed
 * @property {Result[]} unlisted tests that fail and are not listed
 * @property {Result[]} stale tests that pass and are listed
 */

/** Returns what is wrong with an entry, or undefined. */
function faultOf(entry) {
  const { test, node, cause, reason } = entry;
  const unknown = Object.keys(entry).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined) return `has a field '${unknown}'`;
  if (typeof test !== 'string' || test === '') return 'has no test';
  if (!Array.isArray(node) || node.length === 0 || !node.every(Number.isInteger)) {
    return 'has no majors in node';
  }
  if (!Object.hasOwn(CAUSES, cause)) return `has a cause that is none of ${Object.keys(CAUSES).join(', ')}`;
  const isLine = typeof reason === 'string' && reason !== '' && !reason.includes('\n');
  return isLine ? undefined : 'has no reason of one line';
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

/** Returns the entries for a major of Node, by their tests. */
export function entriesOf(entries, major) {
  return new Map(entries.filter(({ node }) => node.includes(major)).map((entry) => [entry.test, entry]));
}

/**
 * Compares the results of a run with the list. A test that skips itself is in no part of the answer.
 * @param {Result[]} results
 * @param {Entry[]} entries
 * @param {number} major
 * @returns {Comparison}
 */
export function compare(results, entries, major) {
  const listed = entriesOf(entries, major);
  const failed = results.filter(({ outcome }) => outcome === 'fail');
  const passed = results.filter(({ outcome }) => outcome === 'pass');
  return {
    listed: failed.filter(({ test }) => listed.has(test)),
    unlisted: failed.filter(({ test }) => !listed.has(test)),
    stale: passed.filter(({ test }) => listed.has(test) && listed.get(test).cause !== 'flaky'),
  };
}

/**
 * Returns the list with the results of a run: a test that fails is added for the major, as a fault of ours with
 * its error as the reason. The major is taken out of the entry of a test that passes.
 * @param {Entry[]} entries
 * @param {Comparison} comparison
 * @param {number} major
 */
export function updated(entries, { unlisted, stale }, major) {
  const passing = new Set(stale.map(({ test }) => test));
  const majorsOf = ({ test, node }) =>
    passing.has(test) ? node.filter((each) => each !== major) : [...node];
  const kept = entries
    .map((entry) => ({ ...entry, node: majorsOf(entry) }))
    .filter(({ node }) => node.length > 0);
  for (const { test, detail } of unlisted) {
    const known = kept.find((entry) => entry.test === test);
    if (known === undefined) kept.push({ test, node: [major], cause: 'ours', reason: detail });
    else known.node = [...known.node, major].sort((a, b) => a - b);
  }
  return kept;
}
