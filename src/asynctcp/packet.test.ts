import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Packet, takeBack } from './packet.js';

describe('a packet', () => {
  it('holds the view that it was made of, and its length', () => {
    const data = new Uint8Array(7);
    const packet = new Packet(data, {});
    assert.equal(packet.data, data);
    assert.equal(packet.length, 7);
    assert.equal(new Packet(new Uint8Array(0)).length, 0);
  });

  it('is taken back once', () => {
    const owner = {};
    const packet = new Packet(new Uint8Array(1), owner);
    assert.deepEqual(
      [1, 2, 3].map(() => takeBack(packet, owner)),
      [true, false, false],
    );
  });

  it('is taken back by the connection that waits for it, and by no other', () => {
    const owner = {};
    const packet = new Packet(new Uint8Array(1), owner);
    assert.equal(takeBack(packet, {}), false);
    assert.equal(takeBack(packet, owner), true);
  });

  it("of one's own making belongs to no connection", () => {
    assert.equal(takeBack(new Packet(new Uint8Array(1)), {}), false);
  });

  it('does not show its owner', () => {
    assert.deepEqual(Reflect.ownKeys(new Packet(new Uint8Array(1), {})), ['data']);
  });
});
