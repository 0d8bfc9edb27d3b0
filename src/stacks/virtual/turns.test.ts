import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { TcpApi } from '../../netstack/raw-api.js';
import { NetStack } from '../../netstack/netstack.js';
import { FramePool } from '../../netstack/frame.js';
import { PROFILES } from '../../netstack/profile.js';
import { macrotask } from '../../support/macrotask.js';
import { Reporter } from './reporter.js';
import { Turns } from './turns.js';

class Silent extends Reporter {
  report(): boolean {
    return false;
  }
}

/** Gives `count` reporters a turn, which they do not use. */
function playTurn(turns: Turns, count: number): WeakRef<Silent>[] {
  const reporters = Array.from({ length: count }, () => new Silent());
  for (const reporter of reporters) turns.add(reporter);
  assert.equal(turns.next(), false);
  return reporters.map((reporter) => new WeakRef(reporter));
}

test('a turn that is over keeps no reporter in memory', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage: unknown = runInNewContext('gc');
  assert.ok(typeof collectGarbage === 'function');
  const tcp: TcpApi = new NetStack({
    profile: PROFILES.linux,
    random: () => 0,
    frames: new FramePool(),
  }).tcp;
  const turns = new Turns(tcp, () => undefined);
  const reporters = playTurn(turns, 3);
  // A weak reference keeps its object up to the end of the macrotask that made it.
  await new Promise<void>((resolve) => {
    macrotask(resolve);
  });
  Reflect.apply(collectGarbage, undefined, []);
  assert.deepEqual(
    reporters.map((reporter) => reporter.deref()),
    [undefined, undefined, undefined],
  );
  assert.equal(turns.next(), false);
});
