import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Packet, returnPacket, type PacketOwner } from './packet.js';

/** Returns a connection that counts the bytes given back. */
function connectionOf(core: object): PacketOwner & { acked: number } {
  return {
    core,
    acked: 0,
    ack(bytes) {
      this.acked += bytes;
    },
  };
}

describe('a packet', () => {
  it('holds the view that it was made of, and its length', () => {
    const data = new Uint8Array(7);
    const packet = new Packet(data, connectionOf({}));
    assert.equal(packet.data, data);
    assert.equal(packet.length, 7);
    assert.equal(new Packet(new Uint8Array(0)).length, 0);
  });

  it('is taken back once, with its bytes and its loan', () => {
    const core = {};
    const owner = connectionOf(core);
    let loans = 0;
    const packet = new Packet(new Uint8Array(5), owner, { giveBack: () => (loans += 1) });
    assert.deepEqual(
      [1, 2, 3].map(() => returnPacket(packet, core)),
      [true, false, false],
    );
    assert.deepEqual([owner.acked, loans], [5, 1]);
  });

  it('is taken back by the client whose connection waits for it, and by no other', () => {
    const core = {};
    const owner = connectionOf(core);
    const packet = new Packet(new Uint8Array(1), owner);
    assert.equal(returnPacket(packet, {}), false);
    assert.equal(owner.acked, 0);
    assert.equal(returnPacket(packet, core), true);
  });

  it("of one's own making belongs to no connection", () => {
    assert.equal(returnPacket(new Packet(new Uint8Array(1)), {}), false);
  });

  it('does not show its owner', () => {
    assert.deepEqual(Reflect.ownKeys(new Packet(new Uint8Array(1), connectionOf({}))), ['data', 'length']);
  });

  it('is given back whole when its data was transferred away', () => {
    const core = {};
    const owner = connectionOf(core);
    const data = new Uint8Array(5);
    const packet = new Packet(data, owner);
    structuredClone(data, { transfer: [data.buffer] });
    assert.deepEqual([packet.data.length, packet.length], [0, 5]);
    returnPacket(packet, core);
    assert.equal(owner.acked, 5);
  });
});
