import assert from 'node:assert/strict';
import type { NetworkInterfaceInfo } from 'node:os';
import { it } from 'node:test';
import { withNamedZone } from './zone.js';

function linkLocal(scopeid: number): NetworkInterfaceInfo {
  const address = `fe80::${scopeid}`;
  const netmask = 'ffff:ffff:ffff:ffff::';
  return { address, netmask, family: 'IPv6', mac: '', internal: false, cidr: `${address}/64`, scopeid };
}

const INTERFACES = {
  lo: [{ address: '::1', netmask: '', family: 'IPv6', mac: '', internal: true, cidr: null, scopeid: 0 }],
  eth0: [linkLocal(2)],
  '7': [linkLocal(3)],
} satisfies Record<string, NetworkInterfaceInfo[]>;

it('a zone that is a number gets the name of the interface, and nothing else changes', () => {
  const pairs = [
    ['fe80::1%2', 'fe80::1%eth0'],
    ['fe80::1%3', 'fe80::1%7'],
    ['fe80::1%7', 'fe80::1%7'],
    ['fe80::1%99', 'fe80::1%99'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
    ['fe80::1', 'fe80::1'],
    ['127.0.0.1', '127.0.0.1'],
  ] as const;
  for (const [address, expected] of pairs) {
    assert.equal(
      withNamedZone(address, () => INTERFACES),
      expected,
    );
  }
});
