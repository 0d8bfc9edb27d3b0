/**
 * Each system call fails once, or a few times, at each place where a scene makes it: the contract's clauses
 * on lives and bytes hold all the same, nothing is left behind, and the stack goes on.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it, mock } from 'node:test';
import { HANGS_MS, inForm } from '../support/form.js';
import { faultyAddon, strike, unlessFaulty, type SystemCall } from './injecting-addon.js';
import { MISHAPS_OF, type PossibleMishap } from './injections.js';
import { NodePeer, Scene } from './workload.js';
import { World } from './testbed.js';

/** Nobody listens there, and the system gives it to no client. */
const UNUSED_PORT = 1;
/** More calls of a kind than a scene makes. */
const MANY = 10_000;
/** How often in a row a call fails; more often than the addon bears with interruptions. */
const TIMES_IN_A_ROW = [1, 4, 10];

const skip = unlessFaulty();

describe('a system call that fails', { skip, timeout: HANGS_MS }, () => {
  const node = new NodePeer();
  const worlds: World[] = [];
  let runs = 0;

  before(async () => {
    mock.method(console, 'warn', () => undefined);
    await node.listen();
    const addon = faultyAddon();
    addon.clearFaults();
    worlds.push(new World(addon), new World(addon, false));
    process.setUncaughtExceptionCaptureCallback((error) => {
      for (const world of worlds) world.complain(error.stack ?? String(error));
    });
  });

  after(async () => {
    process.setUncaughtExceptionCaptureCallback(null);
    mock.restoreAll();
    await node.close();
  });

  /** One scene, and what was wrong in it. */
  async function play(world: World, isHarmless: boolean): Promise<string> {
    runs += 1;
    world.complaints = [];
    const scene = new Scene(world, node, UNUSED_PORT);
    await scene.play();
    const errors = isHarmless ? scene.unwelcomeErrors() : [];
    const wrong = [...world.complaints, ...errors.map((victim) => `an error that should not be: ${victim}`)];
    return wrong.length === 0 ? '' : `${wrong.join('\n')}\n\n${scene.toString()}`;
  }

  async function playWith(
    world: World,
    call: SystemCall,
    nth: number,
    { mishap, isHarmless }: PossibleMishap,
    times: number,
  ): Promise<number> {
    world.addon.clearFaults();
    strike(world.addon, call, mishap, { nth, times });
    const wrong = await play(world, isHarmless);
    const calls = world.addon.calls(call);
    world.addon.clearFaults();
    assert.equal(wrong, '', `call ${nth} of ${call} (${times} times): ${mishap}`);
    return calls;
  }

  /** The short form takes mishaps and times in turn, one of them for each place. */
  function chosen(mishaps: readonly PossibleMishap[], nth: number): [PossibleMishap, number][] {
    const all = TIMES_IN_A_ROW.flatMap((times) =>
      mishaps.map((mishap): [PossibleMishap, number] => [mishap, times]),
    );
    return inForm({ short: all.filter((_, index) => index === nth % all.length), long: all });
  }

  async function playEverywhere(world: World, call: SystemCall, all: readonly PossibleMishap[]) {
    let nth = 1;
    for (let calls = MANY; nth <= calls; nth += 1) {
      calls = 0;
      for (const [mishap, times] of chosen(all, nth)) {
        calls = Math.max(calls, await playWith(world, call, nth, mishap, times));
      }
    }
    assert.equal(await play(world, true), '', 'afterwards, without a fault');
    return nth;
  }

  for (const [call, mishaps] of MISHAPS_OF) {
    it(`${call} costs at most the connections that it concerns`, async (test) => {
      for (const world of worlds) test.diagnostic(`${await playEverywhere(world, call, mishaps)} places`);
    });
  }

  it('in so many ways', (test) => {
    test.diagnostic(`${runs} scenes`);
  });
});
