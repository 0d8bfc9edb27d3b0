import assert from 'node:assert/strict';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { describe, it } from 'node:test';
import { loadAddon } from '../addon/load-addon.js';
import { handOver, takeDescriptor, withdrawDescriptor } from './handed-descriptor-node.js';

const { reason } = loadAddon();

function isOpen(descriptor: number): boolean {
  try {
    fstatSync(descriptor);
    return true;
  } catch {
    return false;
  }
}

describe('a descriptor that is handed over', { skip: reason ?? false }, () => {
  const own = openSync('/dev/null', 'r');

  it('is the taker’s, once, and the giver does not close it', () => {
    const handed = handOver(own);
    assert.ok(handed !== undefined);
    const taken = takeDescriptor(handed);
    assert.ok(taken !== undefined && taken !== own);
    assert.equal(takeDescriptor(handed), undefined);
    withdrawDescriptor(handed);
    assert.ok(isOpen(taken));
    closeSync(taken);
  });

  it('is closed by the giver, once, if it was not taken', () => {
    const handed = handOver(own);
    assert.ok(handed !== undefined && isOpen(handed.descriptor));
    withdrawDescriptor(handed);
    assert.equal(isOpen(handed.descriptor), false);
    withdrawDescriptor(handed);
    assert.equal(takeDescriptor(handed), undefined);
    assert.ok(isOpen(own));
  });

  it('is none if there is nothing to duplicate', () => {
    assert.equal(handOver(2 ** 30), undefined);
  });
});
