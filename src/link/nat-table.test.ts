import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { NatKey, NatTable, type NatEnds } from './nat-table.js';

const word = fc.constantFrom(0, 1, -1, 0x0a00_0001, 0x7fff_ffff, -0x8000_0000);
const port = fc.constantFrom(0, 1, 80, 40_000, 65_535);
const ends: fc.Arbitrary<NatEnds> = fc.record({
  protocol: fc.constantFrom(1, 6, 17),
  address: word,
  port,
  remoteAddress: word,
  remotePort: port,
});

it('a session is found by all its ends, until it is removed', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), ends), { maxLength: 60 }), (acts) => {
      const table = new NatTable<number>();
      const model = new Map<string, NatKey<number>>();
      for (const [number, [isAdded, one]] of acts.entries()) {
        const name = JSON.stringify(one);
        const key = model.get(name);
        if (isAdded && key === undefined) {
          const added = new NatKey(one, number);
          table.add(added);
          model.set(name, added);
        } else if (!isAdded && key !== undefined) {
          table.remove(key);
          model.delete(name);
        }
      }
      for (const [, one] of acts) {
        const { protocol, address, port: own, remoteAddress, remotePort } = one;
        const found = table.find(protocol, address, own, remoteAddress, remotePort);
        assert.equal(found, model.get(JSON.stringify(one))?.session);
      }
    }),
  );
});

it('a table that is cleared has no session, and one that was never added is removed without harm', () => {
  const table = new NatTable<string>();
  const one = { protocol: 6, address: 1, port: 2, remoteAddress: 3, remotePort: 4 };
  table.remove(new NatKey(one, 'never added'));
  table.add(new NatKey(one, 'session'));
  table.clear();
  assert.equal(table.find(6, 1, 2, 3, 4), undefined);
});
