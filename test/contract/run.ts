/**
 * Runs the contract suite outside of a test runner and prints which cases each stack meets:
 * `npm run test:contract -- --matrix` prints clause × stack, `--target NAME` and `--case ID` choose.
 */
import { parseArgs } from 'node:util';
import { markdownTable } from 'markdown-table';
import { TARGETS } from '../targets/targets.js';
import { clauseOf, concerns, type ContractCase, type Target } from './case.js';
import { CASES } from './cases.js';
import { runCase, type Outcome } from './run-case.js';

interface Result {
  readonly contractCase: ContractCase;
  readonly outcome: Outcome;
}

const OPTIONS = {
  matrix: { type: 'boolean' },
  target: { type: 'string' },
  case: { type: 'string' },
} as const;

const { values } = parseArgs({ options: OPTIONS });

const targets = TARGETS.filter(({ name }) => values.target === undefined || name.includes(values.target));
const cases = CASES.filter(({ id }) => values.case === undefined || id.startsWith(values.case));
if (targets.length === 0 || cases.length === 0) {
  console.error(`no such target or case; targets are ${TARGETS.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

const results = new Map<Target, Result[]>();
for (const target of targets) results.set(target, await runTarget(target));
if (values.matrix === true) console.log(matrix());
// Exits at once, because a failed case may have left something open.
process.exit(printOutcomes());

async function runTarget(target: Target): Promise<Result[]> {
  const done: Result[] = [];
  for (const contractCase of cases) {
    if (concerns(target, contractCase))
      done.push({ contractCase, outcome: await runCase(target, contractCase) });
  }
  return done;
}

/** Returns the cell of one target and one clause: how many of its cases are met. */
function cell(target: Target, clause: string): string {
  const outcomes = (results.get(target) ?? [])
    .filter(({ contractCase }) => clauseOf(contractCase.id) === clause)
    .map(({ outcome }) => outcome.kind);
  const met = outcomes.filter((kind) => kind === 'met').length;
  if (outcomes.includes('failed')) return `FAILED (${met} of ${outcomes.length})`;
  if (outcomes.length === 0) return '—';
  return met === outcomes.length ? `met (${met})` : `${met} of ${outcomes.length}, see below`;
}

function matrix(): string {
  const clauses = [...new Set(cases.map(({ id }) => clauseOf(id)))];
  const rows = clauses.map((clause) => [clause, ...targets.map((target) => cell(target, clause))]);
  return markdownTable([['clause', ...targets.map(({ name }) => name)], ...rows]);
}

/** Prints the cases that were not met, with the reasons, and the sums. Returns the exit status. */
function printOutcomes(): number {
  const count = { met: 0, unmet: 0, failed: 0 };
  for (const [target, done] of results) {
    for (const { contractCase, outcome } of done) {
      count[outcome.kind] += 1;
      const subject = `${contractCase.id} on ${target.name}`;
      if (outcome.kind === 'unmet') console.log(`\n${subject} cannot be met: ${outcome.reason}`);
      if (outcome.kind === 'failed')
        console.log(`\n${subject} FAILED: ${outcome.error.stack ?? outcome.error.message}`);
    }
  }
  console.log(`\n${count.met} cases met, ${count.unmet} that cannot be met, ${count.failed} failed`);
  return count.failed > 0 ? 1 : 0;
}
