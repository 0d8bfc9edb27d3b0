/** Measurement of the stack by the addon: its bounds, and how much of it was never used. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { describe, it } from 'node:test';
import {
  MAIN_THREAD_BYTES,
  highWaters,
  stackAndMappings,
  type HighWater,
  type Party,
} from './measurements.js';
import { requireAddon, unlessAddonLoads } from './require-addon.js';
import { inWorker } from './worker.js';

const MIB = 1024 * 1024;
const WORKER_MB = [0.5, 4, 16];

/** Up and down: a descent that is less deep than the one before shows that the watch begins anew. */
const DESCENTS = { shares: [0.6, 0.2, 1, 0.4], times: 5 };

const skip = unlessAddonLoads();
const pageBytes = skip === false ? Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' })) : 0;

/** Holds for every descent. */
function checkBounds({ watched, before, after, later, depth }: HighWater): void {
  assert.ok(watched - after >= depth, 'what was used counts as used');
  assert.equal(after % pageBytes, 0, 'whole pages');
  assert.ok(after <= before && later <= after, 'the mark does not rise');
}

function usedBeyondDepth({ watched, after, depth }: HighWater): number {
  return watched - after - depth;
}

function checkDescents(descents: readonly HighWater[][], watched: number): void {
  assert.equal(descents.length, DESCENTS.shares.length);
  for (const [index, times] of descents.entries()) {
    times.forEach(checkBounds);
    assert.deepEqual(new Set(times.map((descent) => descent.watched)), new Set([watched]));
    assert.ok((times[0]?.depth ?? 0) >= (DESCENTS.shares[index] ?? 0) * (watched - MIB / 4));
    assert.ok(
      times.some((descent) => usedBeyondDepth(descent) < 2 * pageBytes),
      `within two pages: ${times.map(usedBeyondDepth).join(', ')} bytes more than the depth`,
    );
  }
}

describe('the stack', { skip }, () => {
  for (const sizeMb of WORKER_MB) {
    it(`of a Worker with ${sizeMb} MiB is one mapping without the guard`, async () => {
      const { lowest, bytes, depth, mappings } = await inWorker(sizeMb, 'stackAndMappings');
      assert.ok(bytes >= sizeMb * MIB);
      assert.ok(depth > 0 && depth < bytes);
      const mapping = mappings.find((other) => other.lowest === lowest);
      assert.equal(mapping?.rights, 'rw-p');
      assert.ok(mapping.end >= lowest + BigInt(bytes));
      const below = mappings.find((other) => other.end === lowest);
      assert.equal(below?.rights, '---p', 'the guard');
    });
  }

  it('of the main thread ends where its mapping ends', () => {
    const { lowest, bytes, depth, mappings } = stackAndMappings();
    const end = lowest + BigInt(bytes);
    const mapping = mappings.find((other) => other.lowest < end && end <= other.end);
    assert.equal(mapping?.rights, 'rw-p');
    assert.ok(BigInt(depth) < end - mapping.lowest, 'the frame is in what is mapped');
    assert.ok(bytes >= MAIN_THREAD_BYTES);
  });
});

describe('the stack that was never used', { skip }, () => {
  it('is not known before the watch', async () => {
    assert.deepEqual(await inWorker(4, 'unwatched'), {
      kind: 'Error',
      code: 'ERR_INVALID_STATE',
      message: 'the stack is not watched: call watchStack first',
    });
  });

  it('is measured on the main thread, whose stack grows', () => {
    checkDescents(highWaters(DESCENTS), MAIN_THREAD_BYTES);
  });

  for (const sizeMb of WORKER_MB) {
    it(`is measured in a Worker with ${sizeMb} MiB`, async () => {
      checkDescents(await inWorker(sizeMb, 'highWaters', DESCENTS), sizeMb * MIB);
    });
  }

  it('is every thread’s own', async () => {
    const sizes = WORKER_MB.flatMap((sizeMb) => [sizeMb, sizeMb, sizeMb]);
    const arrivals = new SharedArrayBuffer(4);
    const orders = sizes.map((sizeMb, index) => {
      const party: Party = { share: (index + 1) / sizes.length, arrivals, parties: sizes.length };
      return inWorker(sizeMb, 'highWaterTogether', party);
    });
    const results = await Promise.all(orders);
    for (const [index, result] of results.entries()) {
      checkBounds(result);
      assert.equal(result.watched, (sizes[index] ?? 0) * MIB);
      // A descent happened once: the engine's own use at its end is not excluded as in the other tests.
      assert.ok(usedBeyondDepth(result) < 16 * pageBytes, `${usedBeyondDepth(result)} bytes more`);
    }
  });

  it('is at most what is watched', () => {
    const addon = requireAddon();
    addon.watchStack(1);
    assert.equal(addon.unusedStack(), 0, 'the page of the first frames');
    addon.watchStack(Number.MAX_SAFE_INTEGER);
    assert.ok(addon.unusedStack() < addon.stack().bytes);
    assert.ok(addon.unusedStack() > addon.stack().bytes - MAIN_THREAD_BYTES - 16 * pageBytes);
  });
});
