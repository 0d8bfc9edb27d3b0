/** Contract M3: connections that begin and end in every possible way leave nothing behind. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ErrorCode } from 'asynctcp';
import { start, type Program } from '../e2e/programs.js';
import type { IdleHoldings, Outcomes } from './come-and-go-program.js';
import { HANGS_MS, inForm } from '../support/form.js';
import { withoutMemory } from './holdings.js';
import { WAYS, type Way } from './ways.js';

const PROGRAM = fileURLToPath(new URL('come-and-go-program.js', import.meta.url));
/** Keeps the engine's compiled code out of the heap's growth, and silences a warning of Node 26. */
const STEADY = ['--no-opt', '--no-flush-bytecode', '--disable-warning=ExperimentalWarning'];
/** Connections after which the engine has compiled the code. */
const WARM_UP = 1000;
const CONNECTIONS = inForm({ short: 2000, long: 10_000 });
/** Tolerance for the engine. It is 26 bytes for each connection of the long form, less than any object. */
const HEAP_GROWTH_LIMIT_BYTES = 262_144;

const CALLBACKS: Record<Way, string> = {
  'client closes': 'connect data disconnect',
  'server closes': 'connect data disconnect',
  'client aborts': `connect data error ${ErrorCode.ERR_ABRT} disconnect`,
  'server aborts': `connect error ${ErrorCode.ERR_RST} disconnect`,
  'half close': 'connect data end disconnect',
  'closes at a poll': 'connect data poll disconnect',
  'falls silent': 'connect disconnect',
  refused: `error ${ErrorCode.ERR_RST} disconnect`,
  'given up by close': 'disconnect',
  'given up by signal': `error ${ErrorCode.ERR_ABRT} disconnect`,
};

async function nextHoldings(program: Program): Promise<IdleHoldings> {
  const [line] = await program.stdout.line(/^\{"clients".*$/).catch(() => assert.fail(program.stderr.text));
  return JSON.parse(line) as IdleHoldings;
}

describe('connections that come and go', { timeout: HANGS_MS }, () => {
  const skip =
    process.platform === 'linux' ? false : 'needs Linux: /proc, and all of 127.0.0.0/8 on the loopback';

  it('leave no memory, descriptor, timer and listener behind (M3)', { skip }, async (test) => {
    const args = [...STEADY, PROGRAM, String(WARM_UP), String(CONNECTIONS)];
    const program = start(test, process.execPath, args);
    const warm = await nextHoldings(program);
    const warmMs = performance.now();
    const after = await nextHoldings(program);
    const seconds = ((performance.now() - warmMs) / 1000).toFixed(1);

    const grownBytes = after.heapBytes - warm.heapBytes;
    const heap = `the heap of ${warm.heapBytes} bytes grew by ${grownBytes} bytes`;
    test.diagnostic(`${CONNECTIONS} connections in ${seconds} s: ${heap}`);
    assert.deepEqual([warm.clients, warm.held, warm.listeners], [0, 0, 0]);
    assert.deepEqual(withoutMemory(after), withoutMemory(warm));
    assert.ok(grownBytes < HEAP_GROWTH_LIMIT_BYTES, heap);

    const [line] = await program.stdout.line(/^\{.*$/);
    const outcomes = JSON.parse(line) as Outcomes;
    for (const way of WAYS) assert.deepEqual(Object.keys(outcomes[way]), [CALLBACKS[way]], way);
    const counts = WAYS.map((way) => outcomes[way][CALLBACKS[way]] ?? 0);
    assert.ok(Math.min(...counts) >= CONNECTIONS / WAYS.length, 'every way was gone as often');
    assert.deepEqual(await program.ended, { status: 0, signal: null });
    assert.equal(program.stderr.text, '');
  });
});
