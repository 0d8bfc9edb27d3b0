/**
 * Long transfers to and from a foreign peer that pauses at random: every byte arrives, and the memory of the
 * process does not grow with their number.
 */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startNode, startPeer, unlessInstalled } from '../e2e/programs.js';
import type { Report } from './bulk-program.js';
import { HANGS_MS, inForm } from '../support/form.js';

const MIB = 1_048_576;
const WARM_UP_BYTES = 8 * MIB;
const BYTES = inForm({ short: 128 * MIB, long: 1024 * MIB });
/**
 * Three times the growth of Node 20, one and a half times that of Node 26; and less than the bytes
 * transferred.
 */
const GROWTH_LIMIT_BYTES = 96 * MIB;
const SEED = 1;

const PROGRAM = new URL('bulk-program.js', import.meta.url);
const PEER = fileURLToPath(new URL('../../../test/soak/bulk-peer.py', import.meta.url));

type Way = 'send' | 'receive';
type Role = 'client' | 'server';

async function transfer(test: TestContext, way: Way, role: Role): Promise<void> {
  const lengths = [WARM_UP_BYTES, BYTES].map(String);
  const peerWay = way === 'send' ? 'receive' : 'send';
  const startProgram = (port: number) =>
    startNode(test, PROGRAM, [way, role, String(port), String(SEED), ...lengths]);
  const startPython = (peerRole: string, port: number) =>
    startPeer(test, 'python3', PEER, peerWay, peerRole, String(port), String(SEED), ...lengths);

  const first = role === 'server' ? startProgram(0) : startPython('listen', 0);
  const port = await first.stdout.number(/^listening on port (\d+)$/);
  const second = role === 'server' ? startPython('connect', port) : startProgram(port);
  const [program, peer] = role === 'server' ? [first, second] : [second, first];

  const startedMs = performance.now();
  let baselineBytes = 0;
  for (const length of [WARM_UP_BYTES, BYTES]) {
    const [line] = await program.stdout.line(/^\{.*$/);
    const { bytes, sha256, acked, timesFull, error, residentBytes, peakBytes } = JSON.parse(line) as Report;
    const [, peerBytes, peerSha256] = await peer.stdout.line(/^(\d+) ([0-9a-f]{64})$/);
    assert.equal(error, undefined);
    assert.deepEqual([bytes, Number(peerBytes)], [length, length], 'bytes that left and that arrived');
    assert.equal(sha256, peerSha256, 'SHA-256 at both ends');
    if (way === 'send') assert.equal(acked, length, 'bytes that onAck told of');
    assert.ok(timesFull > 0, 'the flow control had to hold a sender back');
    if (length === WARM_UP_BYTES) {
      baselineBytes = residentBytes;
      continue;
    }
    const grownBytes = peakBytes - baselineBytes;
    const seconds = (performance.now() - startedMs) / 1000;
    const figures = `${baselineBytes} bytes before, ${grownBytes} more at the peak, ${seconds.toFixed(1)} s`;
    test.diagnostic(`${way} as ${role}, ${length / MIB} MiB: ${figures}, full ${timesFull} times`);
    assert.ok(grownBytes < GROWTH_LIMIT_BYTES, figures);
  }
  assert.deepEqual(await program.ended, { status: 0, signal: null });
  assert.equal(program.stderr.text, '');
}

describe('a long transfer arrives whole and in bounded memory', { timeout: HANGS_MS }, () => {
  const skip = process.platform === 'linux' ? unlessInstalled('python3') : 'memory is read from Linux /proc';

  for (const role of ['server', 'client'] as const) {
    it(`from a peer that pauses, to our ${role} that acknowledges late`, { skip }, async (test) => {
      await transfer(test, 'receive', role);
    });
    it(`from our ${role}, to a peer that pauses`, { skip }, async (test) => {
      await transfer(test, 'send', role);
    });
  }
});
