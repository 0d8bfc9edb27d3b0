import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Frame, FramePool, HEADROOM, MOST_SPARE_FRAMES } from '../frame.js';
import { HostTable, MOST_NAMES } from '../hosts.js';
import { Address } from '../wire/address.js';
import { MOST_ND_OPTIONS, readNdOptions } from '../wire/ndp.js';
import { TestHost } from './hosts.test.js';
import { MOST_LOOPBACK_FRAMES } from './loopback.js';
import { MOST_GROUPS } from './net-interface.js';

describe('what a host keeps', () => {
  it(`are ${MOST_GROUPS} groups of an interface, each once`, () => {
    const { stack, netInterface } = new TestHost(['10.0.0.1/24']);
    const join = (index: number): boolean =>
      stack.ip.joinGroup(netInterface, Address.ofIpv4(0xe001_0000 + index));
    for (let index = 0; index < MOST_GROUPS; index += 1) {
      assert.equal(join(index), true);
      assert.equal(join(0), true);
    }
    assert.equal(join(MOST_GROUPS), false);
    netInterface.removeGroup(Address.ofIpv4(0xe001_0000));
    assert.equal(join(MOST_GROUPS), true);
  });

  it(`are ${MOST_LOOPBACK_FRAMES} frames of the loopback`, () => {
    const host = new TestHost([]);
    const { loopback } = host.stack.ip;
    for (let index = 0; index <= MOST_LOOPBACK_FRAMES; index += 1) loopback.transmit(new Frame(HEADROOM));
    assert.deepEqual(host.drops(), { loopbackFull: 1 });
    let waiting = 0;
    while (loopback.take() !== undefined) waiting += 1;
    assert.equal(waiting, MOST_LOOPBACK_FRAMES);
  });

  it(`are ${MOST_NAMES} names`, () => {
    const hosts = new HostTable();
    for (let index = 0; index < MOST_NAMES; index += 1) hosts.set(`host${index}`, []);
    assert.throws(() => {
      hosts.set('one-more', []);
    }, RangeError);
    hosts.set('HOST0', ['10.0.0.1']);
    assert.equal(hosts.lookup('host0').length, 1);
    hosts.delete('host1');
    hosts.set('one-more', []);
  });

  it(`are ${MOST_SPARE_FRAMES} frames for later`, () => {
    const frames = new FramePool();
    const taken = Array.from({ length: MOST_SPARE_FRAMES + 1 }, () => frames.take(0));
    for (const frame of taken) frames.give(frame);
    const again = new Set(Array.from({ length: MOST_SPARE_FRAMES + 1 }, () => frames.take(0)));
    assert.equal(taken.filter((frame) => again.has(frame)).length, MOST_SPARE_FRAMES);
  });

  it(`are ${MOST_ND_OPTIONS} options of a message of neighbour discovery`, () => {
    const options = (count: number): Uint8Array => new Uint8Array(8 * count).fill(1);
    const read = (count: number): number | undefined => readNdOptions(options(count), 0, 8 * count)?.length;
    assert.equal(read(MOST_ND_OPTIONS), MOST_ND_OPTIONS);
    assert.equal(read(MOST_ND_OPTIONS + 1), undefined);
  });
});
