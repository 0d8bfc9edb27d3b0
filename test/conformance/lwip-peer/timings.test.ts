/**
 * The times of lwIP itself, with which the `esp32` profile's tests (states/esp32.test.ts) agree: Debian's
 * library has an initial RTO of 3 s where ESP-IDF has 1.5 s, and else the same numbers.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { decodeSegment, encodeSegment, type Segment } from '../packetdrill/segment.js';
import { buildPeer, LwipPeer, whyNoPeer } from './lwip-peer.js';

const START_MS = 1000;
const STEP_MS = 250;
const PEER_PORT = 80;
const ISN = 1000;

/** lwIP alone: what it sends, with the time since the beginning. */
class Observed {
  readonly peer: LwipPeer;
  #nowMs = START_MS;
  #ack = 0;
  readonly sent: { readonly atMs: number; readonly segment: Segment }[] = [];

  constructor(program: string) {
    this.peer = new LwipPeer(program, (bytes) => {
      const segment = decodeSegment(bytes);
      if (segment === undefined) return;
      if (segment.flags.includes('S')) this.#ack = (segment.seq + 1) >>> 0;
      this.sent.push({ atMs: this.#nowMs - START_MS, segment });
    });
  }

  async run(
    ms: number,
    onSent: (segment: Segment) => Promise<void> = () => Promise.resolve(),
  ): Promise<void> {
    const endMs = this.#nowMs + ms;
    while (this.#nowMs < endMs) {
      const before = this.sent.length;
      this.#nowMs += STEP_MS;
      await this.peer.setTime(this.#nowMs);
      for (const { segment } of this.sent.slice(before)) await onSent(segment);
    }
  }

  /** Sends a segment, with numbers that count from both SYNs. */
  async send(flags: string, seq: number, ack: number, part: Partial<Segment> = {}): Promise<void> {
    const segment: Segment = {
      source: [10, 0, 0, 1],
      destination: [10, 0, 0, 2],
      sourcePort: 5000,
      destinationPort: PEER_PORT,
      ecn: 0,
      seq: ISN + seq,
      ack: (this.#ack + ack - 1) >>> 0,
      flags,
      window: 8000,
      urgent: 0,
      options: [],
      data: new Uint8Array(0),
      ...part,
    };
    await this.peer.receive(encodeSegment(segment));
  }

  async establish(): Promise<void> {
    await this.peer.setTime(this.#nowMs);
    await this.peer.obey('listen', PEER_PORT);
    await this.send('S', 0, 0, { options: [{ kind: 'mss', value: 1000 }] });
    await this.send('.', 1, 1);
    this.sent.length = 0;
  }

  /** Seconds between one segment and the next, without the first, which is sent between two ticks. */
  intervals(): number[] {
    const times = this.sent.map(({ atMs }) => atMs / 1000);
    return times.slice(2).map((time, index) => time - (times[index + 1] ?? 0));
  }
}

const reason = whyNoPeer();

describe("lwIP's own times", { skip: reason }, () => {
  let folder: string;
  let program: string;
  let observed: Observed;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'lwip-timings-'));
    program = buildPeer(folder);
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  it('retransmission: the intervals double up to 128 times the first', async () => {
    observed = new Observed(program);
    await observed.establish();
    await observed.peer.obey('write', 100);
    await observed.run(1_600_000);
    assert.deepEqual(observed.intervals(), [6, 12, 24, 48, 96, 192, 384, 384, 384]);
    await observed.peer.end();
  });

  it('SYN: the intervals stay the same', async () => {
    observed = new Observed(program);
    await observed.peer.setTime(START_MS);
    await observed.peer.obey('connect', PEER_PORT);
    await observed.run(60_000);
    assert.deepEqual(observed.intervals(), [3, 3, 3, 3, 3]);
    await observed.peer.end();
  });

  it('a closed window: 1.5 s, 3, 6, 12, 24, 48, 60 and 60 s, with one byte each', async () => {
    observed = new Observed(program);
    await observed.establish();
    await observed.send('P.', 1, 1);
    await observed.send('.', 2, 1, { seq: ISN, window: 0, data: new Uint8Array(2) });
    await observed.run(1000);
    observed.sent.length = 0;
    await observed.peer.obey('write', 100);
    await observed.run(300_000, () => observed.send('.', 2, 1, { window: 0 }));
    const probes = observed.sent.filter(({ segment }) => segment.data.length === 1);
    const times = probes.map(({ atMs }) => atMs / 1000);
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    assert.deepEqual(gaps.slice(0, 7), [3, 6, 12, 24, 48, 60, 60]);
    await observed.peer.end();
  });

  it('an acknowledgement waits for the tick of 250 ms, the second segment does not', async () => {
    observed = new Observed(program);
    await observed.establish();
    await observed.send('P.', 1, 1, { data: Uint8Array.of(0) });
    assert.equal(observed.sent.length, 0);
    await observed.run(STEP_MS);
    assert.equal(observed.sent.length, 1);
    await observed.send('P.', 2, 1, { data: Uint8Array.of(31) });
    await observed.send('P.', 3, 1, { data: Uint8Array.of(62) });
    assert.equal(observed.sent.length, 2);
    await observed.peer.end();
  });

  for (const [state, aliveMs, endMs] of [
    ['FIN-WAIT-2', 19_000, 2000],
    ['TIME-WAIT', 119_000, 2500],
  ] as const) {
    it(`${state} ends as the profile says`, async () => {
      observed = new Observed(program);
      await observed.establish();
      // A segment that each state answers while it lasts.
      const ask = (): Promise<void> =>
        state === 'TIME-WAIT' ? observed.send('F.', 1, 2) : observed.send('.', 0, 2);
      await observed.peer.obey('close');
      await observed.run(STEP_MS);
      await observed.send(state === 'TIME-WAIT' ? 'F.' : '.', 1, 2);
      await observed.run(aliveMs);
      observed.sent.length = 0;
      await ask();
      assert.deepEqual(
        observed.sent.map(({ segment }) => segment.flags),
        ['.'],
      );
      await observed.run(endMs + aliveMs);
      observed.sent.length = 0;
      await ask();
      assert.match(observed.sent[0]?.segment.flags ?? '', /R/);
      await observed.peer.end();
    });
  }
});
