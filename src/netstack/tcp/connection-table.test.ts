import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Address } from '../wire/address.js';
import { ConnectionTable, type TableEntry } from './connection-table.js';

const ENTRIES = 2000;
const LOCAL = new Address(0xfd00_0000, 0, 0, 1);

/** Counts how often an entry is looked at. */
class Entry implements TableEntry {
  static looks = 0;
  readonly localAddress = LOCAL;
  readonly localPort = 80;
  readonly remoteAddress: Address;
  hash = 0;
  hashNext: TableEntry | undefined;

  constructor(remoteAddress: Address) {
    this.remoteAddress = remoteAddress;
  }

  get remotePort(): number {
    Entry.looks += 1;
    return 5000;
  }
}

describe('a table of connections', () => {
  const patterns: Readonly<Record<string, (index: number) => Address>> = {
    'one after the other': (index) => Address.ofIpv4(0x0a00_0000 + index),
    'one in each network of IPv4': (index) => Address.ofIpv4((index << 16) | 7),
    'one in each network of IPv6': (index) => new Address(0x2001_0db8, index, 1, 1),
    'by the multiplier of a known hash': (index) =>
      new Address(0x2001_0db8, 0, index, Math.imul(index, 0x85eb_ca6b)),
    'by single bits at the top': (index) =>
      new Address(0x2001_0db8, index << 21, (index << 21) ^ (index << 6), index << 20),
  };
  for (const [name, addressOf] of Object.entries(patterns)) {
    it(`finds each of ${ENTRIES} peers, ${name}, in a few steps`, () => {
      const table = new ConnectionTable(123_456_789);
      const entries = Array.from({ length: ENTRIES }, (_, index) => new Entry(addressOf(index)));
      for (const entry of entries) table.add(entry);
      Entry.looks = 0;
      for (const { remoteAddress } of entries) {
        const found = table.findEnds(remoteAddress, 5000, LOCAL, 80);
        assert.ok(found?.remoteAddress.equals(remoteAddress));
      }
      assert.ok(Entry.looks < 4 * ENTRIES, `${Entry.looks / ENTRIES} steps on average`);
      for (const entry of entries) table.remove(entry);
      assert.deepEqual([table.count, [...table]], [0, []]);
    });
  }
});
