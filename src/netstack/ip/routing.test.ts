import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MOST_INTERFACES } from '../netstack.js';
import { addressOf, TestHost } from './hosts.test.js';
import { MOST_ADDRESSES } from './net-interface.js';
import { MOST_PATHS } from './path-table.js';
import { Prefix } from './prefix.js';
import { MOST_ROUTES } from './route-table.js';

function sourceTo(host: TestHost, text: string): string | undefined {
  return host.stack.ip.pathTo(addressOf(text), undefined)?.source.toString();
}

describe('a prefix', () => {
  it('contains the addresses that begin as it does', () => {
    for (const [prefix, address, isIn] of [
      ['10.0.0.0/24', '10.0.0.255', true],
      ['10.0.0.0/24', '10.0.1.0', false],
      ['10.0.0.2/32', '10.0.0.2', true],
      ['10.0.0.2/32', '10.0.0.3', false],
      ['0.0.0.0/0', '255.1.2.3', true],
      ['0.0.0.0/0', 'fd00::1', false],
      ['fd00::/63', 'fd00:0:0:1::5', true],
      ['fd00::/64', 'fd00:0:0:1::5', false],
      ['::/0', 'fd00::1', true],
      ['fd00::1/128', 'fd00::1', true],
    ] as const) {
      assert.equal(Prefix.parse(prefix).contains(addressOf(address)), isIn, `${prefix} ${address}`);
    }
  });

  it('is refused if its address or length is none', () => {
    for (const text of ['10.0.0/24', 'x/1', '']) assert.throws(() => Prefix.parse(text), TypeError);
    for (const text of ['10.0.0.0/33', 'fd00::/129', 'fd00::/-1', 'fd00::/', 'fd00::/1e1']) {
      assert.throws(() => Prefix.parse(text), RangeError);
    }
  });

  it('of 31 bits has no broadcast address', () => {
    const words = [addressOf('10.0.0.255').d, addressOf('10.0.0.0').d];
    assert.deepEqual(Prefix.parse('10.0.0.7/24').broadcastWords(), words);
    assert.deepEqual(Prefix.parse('10.0.0.254/31').broadcastWords(), []);
    assert.deepEqual(Prefix.parse('fd00::/64').broadcastWords(), []);
  });
});

describe('the way out', () => {
  it('is the longest prefix', () => {
    const host = new TestHost(['10.0.0.1/24']);
    const [, other] = host.attach(['10.0.0.129/25', '192.0.2.1/24']);
    assert.equal(sourceTo(host, '10.0.0.5'), '10.0.0.1');
    assert.equal(sourceTo(host, '10.0.0.200'), '10.0.0.129');
    assert.equal(sourceTo(host, '198.51.100.1'), undefined);
    host.stack.addRoute('0.0.0.0/0', { gateway: '192.0.2.254', netInterface: other });
    assert.equal(sourceTo(host, '198.51.100.1'), '192.0.2.1');
  });

  it('changes for paths that exist already', () => {
    const host = new TestHost(['10.0.0.1/24']);
    host.stack.addRoute('0.0.0.0/0', { gateway: '10.0.0.254', netInterface: host.netInterface });
    const path = host.stack.ip.pathTo(addressOf('192.0.2.9'), addressOf('10.0.0.1'));
    assert.equal(path?.isOnLink, false);
    host.stack.addRoute('192.0.2.0/24', { netInterface: host.netInterface });
    assert.equal(path.isOnLink, true);
    host.stack.ip.removeAddress(host.netInterface, addressOf('10.0.0.1'));
    host.stack.ip.send(path, 17, host.frames.take(0));
    assert.equal(host.drops()['noRoute'], 1);
  });

  it('is one object for all that goes between two addresses', () => {
    const host = new TestHost(['10.0.0.1/24', '10.0.0.9/24']);
    const { ip } = host.stack;
    const chosen = ip.pathTo(addressOf('10.0.0.2'), undefined);
    assert.ok(chosen !== undefined);
    assert.equal(ip.pathTo(addressOf('10.0.0.2'), undefined), chosen);
    assert.equal(ip.pathTo(addressOf('10.0.0.2'), addressOf('10.0.0.1')), chosen);
    assert.notEqual(ip.pathTo(addressOf('10.0.0.2'), addressOf('10.0.0.9')), chosen);
    const named = ip.pathTo(addressOf('10.0.0.3'), addressOf('10.0.0.1'));
    assert.equal(ip.pathTo(addressOf('10.0.0.3'), undefined), named);
    assert.equal(ip.routing.paths, 3);
  });

  it('has one next hop for all destinations behind a router', () => {
    const host = new TestHost(['10.0.0.1/24']);
    host.stack.addRoute('0.0.0.0/0', { gateway: '10.0.0.254', netInterface: host.netInterface });
    const { routing } = host.stack.ip;
    const hop = routing.pathTo(addressOf('192.0.2.9'), undefined)?.hop;
    assert.equal(hop?.address.toString(), '10.0.0.254');
    assert.equal(routing.pathTo(addressOf('198.51.100.9'), undefined)?.hop, hop);
  });

  it(`is kept for ${MOST_PATHS} pairs of addresses at most`, () => {
    const host = new TestHost(['10.0.0.1/8']);
    const { routing } = host.stack.ip;
    const own = addressOf('10.0.0.1');
    for (let index = 0; index < 2 * MOST_PATHS; index += 1) {
      const destination = addressOf(`10.1.${index >> 8}.${index & 255}`);
      assert.equal(routing.pathTo(destination, own)?.destination, destination);
      assert.ok(routing.paths <= index + 1);
    }
    assert.ok(routing.paths > MOST_PATHS / 2 && routing.paths <= MOST_PATHS);
    host.stack.addRoute('192.0.2.0/24', { netInterface: host.netInterface });
    assert.equal(routing.paths, 0);
  });

  it('is never a loopback address to another host', () => {
    const host = new TestHost(['10.0.0.1/24']);
    assert.equal(host.stack.ip.pathTo(addressOf('10.0.0.2'), addressOf('127.0.0.1')), undefined);
    assert.equal(host.stack.ip.pathTo(addressOf('10.0.0.1'), addressOf('127.0.0.1'))?.mtu, 65_535);
    assert.equal(host.stack.ip.pathTo(addressOf('10.0.0.2'), addressOf('10.0.0.3')), undefined);
  });

  it(`has ${MOST_ROUTES} routes, ${MOST_INTERFACES} interfaces and ${MOST_ADDRESSES} addresses at most`, () => {
    const host = new TestHost([]);
    const { netInterface } = host;
    const more = MOST_ROUTES - 2;
    for (let index = 0; index < more; index += 1) {
      host.stack.addRoute(`10.${index >> 8}.${index & 255}.0/24`, { netInterface });
    }
    assert.throws(() => host.stack.addRoute('192.0.2.0/24', { netInterface }), RangeError);
    for (let index = 2; index < MOST_INTERFACES; index += 1) host.attach([]);
    assert.throws(() => host.attach([]), RangeError);
    const addresses = Array.from({ length: MOST_ADDRESSES + 1 }, (_, index) => `10.0.0.${index + 1}/24`);
    assert.equal(new TestHost(addresses.slice(1)).netInterface.addresses.length, MOST_ADDRESSES);
    assert.throws(() => new TestHost(addresses), RangeError);
  });
});

describe('an address that an interface has', () => {
  it('is not added again', () => {
    for (const detectsDuplicates of [false, true]) {
      const addresses = ['10.0.0.1/24', '10.0.0.1/24', 'fd00::1/64', 'fd00::1/64'];
      const host = new TestHost(addresses, { attach: { detectsDuplicates } });
      const { netInterface, stack } = host;
      for (let ms = 0; ms < 10_000; ms += 100) stack.advance(ms);
      const texts = (): string[] => netInterface.addresses.map(({ address }) => address.toString());
      assert.equal(new Set(texts()).size, texts().length);
      assert.equal(stack.ip.addAddress(netInterface, Prefix.parse('10.0.0.1/24')), true);
      let won = 0;
      stack.ip.claimAddress(netInterface, Prefix.parse('10.0.0.1/24'), () => (won += 1));
      assert.deepEqual([won, netInterface.tentative.length, texts().length], [1, 0, 3]);
      stack.ip.removeAddress(netInterface, addressOf('10.0.0.1'));
      assert.equal(sourceTo(host, '10.0.0.2'), undefined);
    }
  });
});

describe('the source of IPv6 packets is that of RFC 6724 §5', () => {
  it('by scope, by label and by the longest common prefix', () => {
    const host = new TestHost(['fe80::1/64', 'fd00::1/64', '2001:db8:1::1/64', '2001:db8:2::1/64']);
    host.stack.addRoute('::/0', { gateway: 'fe80::9', netInterface: host.netInterface });
    assert.equal(sourceTo(host, 'fe80::5'), 'fe80::1');
    assert.equal(sourceTo(host, 'fd77::5'), 'fd00::1');
    assert.equal(sourceTo(host, '2001:db8:1::77'), '2001:db8:1::1');
    assert.equal(sourceTo(host, '2001:db8:2:5::77'), '2001:db8:2::1');
    assert.equal(sourceTo(host, 'ff02::1'), 'fe80::1');
    assert.equal(sourceTo(host, 'fd00::1'), 'fd00::1');
  });

  it('no deprecated one, where there is another', () => {
    const host = new TestHost(['2001:db8:1::1/64', '2001:db8:1::2/64']);
    const { addresses } = host.netInterface;
    const [first] = addresses.filter(({ address }) => address.toString() === '2001:db8:1::1');
    assert.ok(first !== undefined);
    assert.equal(sourceTo(host, '2001:db8:1::77'), '2001:db8:1::1');
    host.netInterface.setDeprecated(first, true);
    assert.equal(sourceTo(host, '2001:db8:1::77'), '2001:db8:1::2');
  });
});
