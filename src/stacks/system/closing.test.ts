import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ErrorCode } from '../../port/error-code.js';
import type { Fault, StackLimits } from '../../port/tcp-stack.js';
import { SteppedClock } from '../../support/stepped-clock.js';
import { TimerWheel } from '../../support/timer-wheel.js';
import { LingerRegistry } from './linger-registry.js';
import { Closing, type ClosingOwner } from './closing.js';

const TIMEOUT_MS = 8000;
const LIMITS: StackLimits = {
  maxActiveTcp: undefined,
  sendBufferBytes: 1,
  receiveWindowBytes: 1,
  sendBudgetBytes: 1000,
  closeTimeoutMs: TIMEOUT_MS,
};

/** Closed connections of one stack, and the time and fault of those that failed. */
class Scene {
  readonly hands = new SteppedClock();
  readonly #startMs = this.hands.nowMs();
  readonly timers = new TimerWheel(this.hands);
  readonly lingerers: LingerRegistry;
  readonly failed: string[] = [];
  looks = 0;

  constructor(maxCount?: number, maxBytes?: number) {
    this.lingerers = new LingerRegistry(this.timers, maxCount, maxBytes);
  }

  /** Milliseconds since the scene began. */
  passedMs(): number {
    return this.hands.nowMs() - this.#startMs;
  }

  /**
   * @param acked returns the bytes that the peer has acknowledged since the last call.
   */
  close(name: string, bytes: number, acked: () => number = () => 0): Closing {
    let left = bytes;
    const owner: ClosingOwner = {
      lookForProgress: () => {
        this.looks += 1;
        const fewer = acked();
        left -= fewer;
        if (fewer > 0) closing.progressed(left);
      },
      onClosingFailed: (fault: Fault) => {
        closing.end();
        this.failed.push(`${name} ${fault.code} at ${this.passedMs()}`);
      },
    };
    const closing: Closing = new Closing(
      { limits: LIMITS, timers: this.timers, lingerers: this.lingerers },
      owner,
      bytes,
    );
    return closing;
  }
}

describe('a connection that closes', () => {
  it('ends with ERR_TIMEOUT when nothing was acknowledged for the close timeout, not a moment earlier', () => {
    const scene = new Scene();
    scene.close('a', 10);
    scene.hands.advance(TIMEOUT_MS - 1);
    assert.deepEqual(scene.failed, []);
    scene.hands.advance(1);
    assert.deepEqual(scene.failed, [`a ${ErrorCode.ERR_TIMEOUT} at ${TIMEOUT_MS}`]);
    assert.deepEqual([scene.timers.size, scene.lingerers.size], [0, 0]);
  });

  it('ends at most an eighth of the timeout late where no event reports acknowledgements', () => {
    const scene = new Scene();
    let atMs = 100;
    scene.close('a', 10, () => (scene.passedMs() > atMs ? ((atMs = Infinity), 1) : 0));
    scene.hands.advance(atMs + TIMEOUT_MS - 1);
    assert.deepEqual(scene.failed, []);
    scene.hands.advance(TIMEOUT_MS / 8 + 1);
    assert.equal(scene.failed.length, 1);
  });

  it('goes on for as long as there is progress, however little, and is asked now and then only', () => {
    const scene = new Scene();
    const closing = scene.close('a', 1000, () => 1);
    scene.hands.advance(100 * TIMEOUT_MS);
    assert.deepEqual(scene.failed, []);
    assert.ok(scene.looks <= 100 * 8, `${scene.looks} looks`);
    closing.end();
    assert.deepEqual([scene.timers.size, scene.lingerers.size], [0, 0]);
  });

  it('gives way when there are too many, or too many bytes: the longest without progress, with ERR_MEM', () => {
    const many = new Scene(2);
    const first = many.close('first', 1);
    many.close('second', 1);
    many.hands.advance(10);
    first.progressed(1);
    assert.deepEqual(many.failed, []);
    many.close('third', 1);
    assert.deepEqual(many.failed, [`second ${ErrorCode.ERR_MEM} at 10`]);

    const large = new Scene(10, 100);
    large.close('a', 60);
    large.close('b', 40);
    assert.deepEqual(large.failed, []);
    large.close('c', 1);
    assert.deepEqual(large.failed, [`a ${ErrorCode.ERR_MEM} at 0`]);
  });
});
