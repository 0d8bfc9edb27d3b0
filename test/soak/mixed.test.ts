/**
 * Mixed load for a long time: finds errors that happen once in many thousand connections, and small leaks.
 * Each run has another seed; ASYNCTCP_SOAK_SEED replays the plan of one.
 */
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { start } from '../e2e/programs.js';
import { unlessAddonLoads } from '../native/require-addon.js';
import { HANGS_MS, inForm } from '../support/form.js';
import { withoutMemory } from './holdings.js';
import type { MixedReport } from './mixed-program.js';
import { planOf, WAYS } from './mixed-plan.js';

const PROGRAM = fileURLToPath(new URL('mixed-program.js', import.meta.url));
/**
 * Pairs of the client's and the server's stack. ASYNCTCP_SOAK_STACKS sets others: `kernel-node,node-node`.
 */
const USUAL = inForm({
  short: 'node-node,kernel-kernel',
  long: 'node-node,kernel-kernel,kernel-node,node-kernel',
});
const PAIRS = (process.env['ASYNCTCP_SOAK_STACKS'] ?? USUAL).split(',');
/** Time after which the engine has compiled most of the code. */
const WARM_UP_SECONDS = inForm({ short: 3, long: 20 });
const SECONDS = Number(process.env['ASYNCTCP_SOAK_SECONDS'] ?? inForm({ short: 4, long: 600 }));
const SEED = Number(process.env['ASYNCTCP_SOAK_SEED'] ?? randomInt(2 ** 32));

const MIB = 1_048_576;
/** Tolerance for the engine. It is 21 bytes for each connection of the long form, less than any object. */
const HEAP_GROWTH_LIMIT_BYTES = 2 * MIB;
/** Tolerance of a few buffers; a leak of one buffer in a thousand connections is more. */
const EXTERNAL_GROWTH_LIMIT_BYTES = MIB;
/** Tolerance for the allocator, whose memory varies by 20 MiB. */
const RESIDENT_GROWTH_LIMIT_BYTES = 48 * MIB;

function figuresOf(report: MixedReport): string {
  const { begin, end, events } = report;
  const memory = (['heapBytes', 'externalBytes', 'residentBytes'] as const).map((name) => {
    const mib = (begin[name] / MIB).toFixed(1);
    return `${name.replace('Bytes', '')} ${mib} ${((end[name] - begin[name]) / MIB).toFixed(2)}`;
  });
  const counts = Object.entries(events).map(([event, count]) => `${count} ${event}`);
  return [
    `${report.connections} connections (${counts.sort().join(', ')})`,
    `${(report.bytes / MIB).toFixed(0)} MiB, ${report.checksums} checksums compared`,
    `${report.timesNoSpace} times no space, ${report.timesNoWindow} times no window`,
    `MiB at the beginning and how many more at the end: ${memory.join(', ')}`,
    `at the peak ${(report.peakBytes / MIB).toFixed(0)} resident`,
    `descriptors ${begin.descriptors} and ${end.descriptors}`,
    `resources ${JSON.stringify(begin.resources)} and ${JSON.stringify(end.resources)}`,
  ].join('; ');
}

/** Checks that nothing is left and that every kind of connection was run. */
function check(report: MixedReport): void {
  const { begin, end } = report;
  const figures = figuresOf(report);
  assert.deepEqual(withoutMemory(end), withoutMemory(begin), figures);
  assert.deepEqual([end.clients, end.held, end.listeners], [0, 0, 0], figures);
  assert.ok(end.heapBytes - begin.heapBytes < HEAP_GROWTH_LIMIT_BYTES, figures);
  assert.ok(end.externalBytes - begin.externalBytes < EXTERNAL_GROWTH_LIMIT_BYTES, figures);
  assert.ok(end.residentBytes - begin.residentBytes < RESIDENT_GROWTH_LIMIT_BYTES, figures);
  for (const event of [...WAYS, 'by name', 'reset by client', 'reset by accepted']) {
    assert.ok((report.events[event] ?? 0) > 0, `${event}: ${figures}`);
  }
  assert.ok(Math.min(report.checksums, report.timesNoSpace, report.timesNoWindow) > 0, figures);
}

async function soak(test: TestContext, clientStack: string, serverStack: string): Promise<void> {
  test.diagnostic(`seed ${SEED}`);
  const numbers = [SEED, WARM_UP_SECONDS, SECONDS].map(String);
  // Node 26 warns that counting objects is experimental.
  const args = ['--disable-warning=ExperimentalWarning', PROGRAM, clientStack, serverStack, ...numbers];
  const program = start(test, process.execPath, args);
  const ending = await program.ended;
  if (program.stderr.text !== '') assert.fail(`seed ${SEED}: ${program.stderr.text}`);
  assert.deepEqual(ending, { status: 0, signal: null });
  const report = JSON.parse(program.stdout.text) as MixedReport;
  test.diagnostic(figuresOf(report));
  check(report);
}

function unlessItRuns(pair: string): string | false {
  if (process.platform !== 'linux') return 'needs Linux: /proc, and all of 127.0.0.0/8 on the loopback';
  return pair.includes('kernel') && unlessAddonLoads();
}

describe('mixed load', { concurrency: 2 }, () => {
  it('has a plan that follows from the seed', () => {
    const plans = (seed: number) => Array.from({ length: 100 }, (_, number) => planOf(seed, number));
    assert.deepEqual(plans(SEED), plans(SEED));
    assert.notDeepEqual(plans(SEED), plans(SEED ^ 1));
  });

  const timeout = HANGS_MS + (WARM_UP_SECONDS + SECONDS) * 1000;
  for (const pair of PAIRS) {
    const [clientStack = '', serverStack = ''] = pair.split('-');
    const title = `for ${SECONDS} s leaves nothing behind and loses nothing: client ${clientStack}, server ${serverStack}`;
    it(title, { skip: unlessItRuns(pair), timeout }, async (test) => {
      await soak(test, clientStack, serverStack);
    });
  }
});
