import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PROFILES } from '../profile.js';
import { DEFEND_INTERVAL_MS } from './arp.js';
import { MOST_PREFIXES, MOST_ROUTERS } from './autoconfiguration.js';
import { addressOf, bound, TestHost, Wire } from './hosts.test.js';
import { FIRST_PROBE_MS } from './neighbour-table.js';
import { REACHABLE_MS } from './nd.js';

const HI = Uint8Array.of(0x68, 0x69);
const MAC = '02:00:00:00:00:09';

function hex(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('hex');
}

/** Returns a text for each frame: 'arp 1' a request, 'nd 135', 'ip' anything else. */
function kinds(frames: readonly Uint8Array[]): string[] {
  return frames.map((bytes) => {
    const etherType = ((bytes[12] ?? 0) << 8) | (bytes[13] ?? 0);
    if (etherType === 0x0806) return `arp ${bytes[21] ?? 0}`;
    return etherType === 0x86dd && bytes[20] === 58 ? `nd ${bytes[54] ?? 0}` : 'ip';
  });
}

/** Has the host send 'hi' to port 7 of an address. */
function send(host: TestHost, to: string): void {
  const socket = host.stack.udp.bind({ port: 5000 });
  assert.ok(typeof socket === 'object');
  socket.send(HI, addressOf(to), 7);
  socket.close();
}

/** Moves the time to the deadlines until `ms`, and returns the kinds of what the host sends, by time. */
function play(host: TestHost, ms: number): string[] {
  const sent: string[] = [];
  while (host.stack.nextDeadlineMs() <= ms) {
    host.stack.advance(host.stack.nextDeadlineMs());
    const atMs = host.stack.nowMs;
    sent.push(...kinds(host.port.take()).map((kind) => `${kind} @${atMs}`));
  }
  host.stack.advance(ms);
  return sent;
}

describe('ARP', () => {
  const REQUEST = 'ffffffffffff' + '020000000009' + '0806' + '0001080006040001' + '020000000009';

  it('asks with the bytes of RFC 826, after it has announced its own address', () => {
    const host = new TestHost(['10.0.0.2/24'], { attach: { mac: MAC } });
    assert.equal(hex(host.port.take()[0]), `${REQUEST}0a0000020000000000000a000002`);
    send(host, '10.0.0.7');
    assert.equal(hex(host.port.take()[0]), `${REQUEST}0a0000020000000000000a000007`);
  });

  it('asks the router for an address beyond it', () => {
    const host = new TestHost(['10.0.0.2/24'], { attach: { mac: MAC } });
    host.stack.addRoute('0.0.0.0/0', { gateway: '10.0.0.1', netInterface: host.netInterface });
    host.port.take();
    send(host, '192.0.2.1');
    assert.equal(hex(host.port.take()[0]), `${REQUEST}0a0000020000000000000a000001`);
  });

  it('sends a broadcast and a group to their link addresses without a question', () => {
    const host = new TestHost(['10.0.0.2/24', 'fd00::2/64'], { attach: { mac: MAC } });
    host.port.take();
    for (const [to, mac] of [
      ['255.255.255.255', 'ffffffffffff'],
      ['10.0.0.255', 'ffffffffffff'],
      ['224.0.0.251', '01005e0000fb'],
      ['ff02::fb', '3333000000fb'],
    ] as const) {
      send(host, to);
      const sent = host.port.take();
      assert.deepEqual(kinds(sent), ['ip']);
      assert.equal(hex(sent[0]).slice(0, 12), mac);
    }
  });

  for (const [profile, times] of [
    ['linux', [1000, 2000]],
    ['esp32', [1000, 2000, 3000, 4000]],
  ] as const) {
    it(`of ${profile} asks each second, then gives up and tells the program`, () => {
      const host = new TestHost(['10.0.0.2/24'], { profile: PROFILES[profile] });
      host.port.take();
      const socket = bound(host, 5000);
      socket.send(HI, addressOf('10.0.0.7'), 7);
      assert.deepEqual(kinds(host.port.take()), ['arp 1']);
      const last = (times.at(-1) ?? 0) + 1000;
      assert.deepEqual(
        play(host, last),
        times.map((ms) => `arp 1 @${ms}`),
      );
      assert.equal(socket.takeError()?.kind, 'soft');
      assert.deepEqual(host.drops(), { unresolved: 1 });
      assert.equal(host.frames.taken, 0);
    });
  }

  it('keeps three packets for a neighbour on an ESP32, and the latest', () => {
    const client = new TestHost(['10.0.0.2/24'], { profile: PROFILES.esp32 });
    const server = new TestHost(['10.0.0.7/24'], { attach: { mac: MAC } });
    const socket = bound(server, 7);
    const from = bound(client, 5000);
    for (const data of [1, 2, 3]) from.send(Uint8Array.of(data), addressOf('10.0.0.7'), 7);
    assert.deepEqual(client.drops(), {});
    from.send(Uint8Array.of(4), addressOf('10.0.0.7'), 7);
    assert.deepEqual(client.drops(), { neighbourQueueFull: 1 });
    Wire.between(client, server).run();
    assert.deepEqual(
      [2, 3, 4].map(() => socket.receive()?.bytes[0]),
      [2, 3, 4],
    );
    assert.equal(socket.receive(), undefined);
  });

  it('keeps a neighbour that has answered when many others are asked for in vain', () => {
    const arp = { ...PROFILES.linux.ip.arp, entries: 4 };
    const profile = { ...PROFILES.linux, ip: { ...PROFILES.linux.ip, arp } };
    const client = new TestHost(['10.0.0.2/24'], { profile });
    const wire = Wire.between(client, new TestHost(['10.0.0.7/24'], { attach: { mac: MAC } }));
    send(client, '10.0.0.7');
    wire.run();
    for (let index = 0; index < 10; index += 1) send(client, `10.0.0.${index + 100}`);
    assert.equal(client.netInterface.link?.arp.table.size, 4);
    client.port.take();
    send(client, '10.0.0.7');
    assert.deepEqual(kinds(client.port.take()), ['ip']);
  });

  it('keeps ten neighbours on an ESP32, and asks again for the oldest after the eleventh', () => {
    const client = new TestHost(['10.0.0.2/24'], { profile: PROFILES.esp32 });
    const peer = new TestHost(
      Array.from({ length: 11 }, (_, index) => `10.0.0.${index + 10}/24`),
      { attach: { mac: MAC } },
    );
    const wire = Wire.between(client, peer);
    wire.run();
    for (let index = 0; index < 11; index += 1) {
      client.stack.advance(index);
      send(client, `10.0.0.${index + 10}`);
      wire.run();
      assert.equal(client.netInterface.link?.arp.table.size, Math.min(10, index + 1));
    }
    send(client, '10.0.0.11');
    assert.deepEqual(kinds(client.port.take()), ['ip']);
    send(client, '10.0.0.10');
    assert.deepEqual(kinds(client.port.take()), ['arp 1']);
  });

  it('of lwIP asks again for an address in use at 270 s by unicast, at 285 s by broadcast, anew at 300 s', () => {
    const client = new TestHost(['10.0.0.2/24'], { profile: PROFILES.lwip });
    const server = new TestHost(['10.0.0.7/24'], { attach: { mac: MAC } });
    const wire = Wire.between(client, server);
    wire.run();
    send(client, '10.0.0.7');
    wire.run();
    for (const [ms, sent, to] of [
      [269_999, ['ip'], ''],
      [270_000, ['ip', 'arp 1'], '020000000009'],
      [271_999, ['ip'], ''],
      [285_000, ['ip', 'arp 1'], 'ffffffffffff'],
      [300_000, ['arp 1'], ''],
    ] as const) {
      client.stack.advance(ms);
      send(client, '10.0.0.7');
      const frames = client.port.take();
      assert.deepEqual(kinds(frames), sent, `${ms} ms`);
      if (to !== '') assert.equal(hex(frames[1]).slice(0, 12), to);
    }
  });

  it('of an ESP32 announces its address each minute, and no longer than it has one', () => {
    const host = new TestHost(['10.0.0.2/24'], { profile: PROFILES.esp32 });
    host.port.take();
    assert.deepEqual(play(host, 120_000), ['arp 1 @60000', 'arp 1 @120000']);
  });

  it('defends its address once in ten seconds', () => {
    const host = new TestHost(['10.0.0.2/24'], { attach: { mac: MAC } });
    const other = new TestHost(['10.0.0.2/24'], { attach: { mac: '02:00:00:00:00:0a' } });
    host.port.take();
    const announcement = other.port.take()[0] ?? new Uint8Array();
    host.receive(announcement);
    host.receive(announcement);
    assert.deepEqual(kinds(host.port.take()), ['arp 1']);
    host.stack.advance(DEFEND_INTERVAL_MS);
    host.receive(announcement);
    assert.deepEqual(kinds(host.port.take()), ['arp 1']);
    assert.equal(host.stack.counters.addressConflicts, 3);
  });

  it('makes no entry for messages that are not for it', () => {
    const host = new TestHost(['10.0.0.2/24'], { attach: { mac: MAC } });
    const other = new TestHost(['10.0.0.3/24']);
    send(other, '10.0.0.4');
    for (const bytes of other.port.take()) host.receive(bytes);
    assert.equal(host.netInterface.link?.arp.table.size, 0);
  });
});

describe('neighbour discovery', () => {
  function pair(): [TestHost, TestHost, Wire] {
    const client = new TestHost(['fd00::2/64']);
    const server = new TestHost(['fd00::7/64'], { attach: { mac: MAC } });
    const wire = Wire.between(client, server);
    play(client, 1000);
    play(server, 1000);
    wire.run();
    wire.passed.length = 0;
    return [client, server, wire];
  }

  it('asks the solicited-node group, and the answer lets the packet go', () => {
    const [client, , wire] = pair();
    send(client, 'fd00::7');
    wire.run();
    assert.deepEqual(kinds(wire.passed).slice(0, 3), ['nd 135', 'nd 136', 'ip']);
    assert.equal(hex(wire.passed[0]).slice(0, 12), '3333ff000007');
  });

  it('asks three times, then tells the program', () => {
    const [client] = pair();
    const socket = bound(client, 5000);
    socket.send(HI, addressOf('fd00::8'), 7);
    assert.deepEqual(kinds(client.port.take()), ['nd 135']);
    assert.deepEqual(play(client, 4000), ['nd 135 @2000', 'nd 135 @3000']);
    assert.equal(socket.takeError()?.kind, 'soft');
    assert.equal(client.frames.taken, 0);
  });

  it('probes a neighbour that was silent, and forgets it if it stays silent', () => {
    const [client, , wire] = pair();
    send(client, 'fd00::7');
    wire.run();
    const staleMs = 1000 + REACHABLE_MS;
    client.stack.advance(staleMs);
    send(client, 'fd00::7');
    assert.deepEqual(kinds(client.port.take()), ['ip']);
    const probeMs = staleMs + FIRST_PROBE_MS;
    assert.deepEqual(
      play(client, probeMs + 3000),
      [0, 1000, 2000].map((ms) => `nd 135 @${probeMs + ms}`),
    );
    assert.equal(client.netInterface.link?.nd.table.find(addressOf('fd00::7')), undefined);
  });

  it('does not probe a neighbour that the transport has confirmed', () => {
    const [client, , wire] = pair();
    send(client, 'fd00::7');
    wire.run();
    client.stack.advance(1000 + REACHABLE_MS);
    send(client, 'fd00::7');
    client.port.take();
    const path = client.stack.ip.pathTo(addressOf('fd00::7'), addressOf('fd00::2'));
    assert.ok(path !== undefined);
    client.stack.ip.send(path, 17, client.frames.take(0));
    client.stack.ip.confirm(path);
    client.port.take();
    assert.deepEqual(play(client, 100_000), []);
  });

  it('ignores what a router may have passed on', () => {
    const [client, server, wire] = pair();
    send(client, 'fd00::7');
    const solicitation = client.port.take()[0] ?? new Uint8Array();
    solicitation[21] = 254;
    server.receive(solicitation);
    assert.deepEqual(server.drops(), { badNeighbourMessage: 1 });
    wire.run();
  });
});

describe('duplicate address detection', () => {
  for (const [address, probes] of [
    ['10.0.0.2/24', 'arp 1'],
    ['fd00::2/64', 'nd 135'],
  ] as const) {
    const text = address.split('/')[0] ?? '';

    it(`uses ${text} once no one has answered`, () => {
      const host = new TestHost([address], { attach: { detectsDuplicates: true } });
      assert.equal(host.stack.ip.isOwn(addressOf(text)), false);
      const sent = play(host, 10_000).filter((kind) => kind.startsWith(probes));
      assert.ok(sent.length >= 1, sent.join());
      assert.equal(host.stack.ip.isOwn(addressOf(text)), true);
    });

    it(`never uses ${text} if another host has it`, () => {
      const owner = new TestHost([address], { attach: { mac: MAC } });
      owner.port.take();
      const host = new TestHost([address], { attach: { detectsDuplicates: true } });
      while (host.stack.nextDeadlineMs() < 10_000) {
        host.stack.advance(host.stack.nextDeadlineMs());
        Wire.between(host, owner).run();
      }
      assert.equal(host.stack.ip.isOwn(addressOf(text)), false);
      assert.ok(host.stack.counters.addressConflicts > 0);
    });

    it(`gives ${text} to one at most of two hosts that ask at once`, () => {
      const options = { attach: { detectsDuplicates: true, mac: MAC } };
      const one = new TestHost([address], options);
      const other = new TestHost([address], {
        attach: { detectsDuplicates: true, mac: '02:00:00:00:00:0a' },
      });
      const wire = Wire.between(one, other);
      for (let ms = 0; ms < 10_000; ms += 10) {
        one.stack.advance(ms);
        other.stack.advance(ms);
        wire.run();
      }
      const own = [one, other].filter((host) => host.stack.ip.isOwn(addressOf(text)));
      assert.ok(own.length <= 1);
    });
  }
});

describe('autoconfiguration', () => {
  /** An advertisement of fd01::/64 for 600 s, preferred for 300 s, of a router for 1800 s. */
  function advertisement(flags = 0xc0, validS = 600, net = 1): Uint8Array {
    const router = new TestHost(['fe80::1/64'], { attach: { mac: MAC } });
    const prefix = [3, 4, 64, flags, 0, 0, validS >> 8, validS & 255, 0, 0, 1, 0x2c, 0, 0, 0, 0];
    prefix.push(0xfd, net, ...new Array<number>(14).fill(0));
    const message = [134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, 5, 1, 0, 0, 0, 0, 5, 0x78, ...prefix];
    const frame = router.frames.take(message.length);
    frame.bytes.set(message, frame.start);
    frame.end = frame.start + message.length;
    router.port.take();
    const [source, destination] = [addressOf('fe80::1'), addressOf('ff02::1')];
    let sum = 58 + message.length + 0xfe80 + 1 + 0xff02 + 1;
    for (let at = 0; at < message.length; at += 2) sum += ((message[at] ?? 0) << 8) | (message[at + 1] ?? 0);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    frame.view.setUint16(frame.start + 2, ~sum & 0xffff);
    const packet = { source, destination, protocol: 58, hopLimit: 255 };
    router.stack.ip.output.sendOnLink(router.netInterface, frame, packet);
    return router.port.take()[0] ?? new Uint8Array();
  }

  it('makes an address, routes and the MTU from an advertisement, and forgets them when their time is over', () => {
    const host = new TestHost([], { attach: { mac: '02:00:00:00:00:22', autoconfigures: true } });
    const own = addressOf('fd01::ff:fe00:22');
    const asked = play(host, 5000).filter((kind) => kind.startsWith('nd 133'));
    assert.equal(asked.length, 1);
    host.receive(advertisement());
    assert.deepEqual(host.drops(), {});
    play(host, 8000);
    assert.equal(host.stack.ip.isOwn(own), true);
    const far = host.stack.ip.pathTo(addressOf('2001:db8::1'), undefined);
    assert.deepEqual([far?.source.toString(), far?.mtu, far?.isOnLink], [own.toString(), 1400, false]);
    assert.equal(host.stack.ip.pathTo(addressOf('fd01::5'), undefined)?.isOnLink, true);
    // Deprecated: still an address of this host.
    play(host, 310_000);
    assert.equal(host.stack.ip.isOwn(own), true);
    play(host, 606_000);
    assert.equal(host.stack.ip.isOwn(own), false);
    play(host, 1_900_000);
    assert.equal(host.stack.ip.pathTo(addressOf('2001:db8::1'), undefined), undefined);
    assert.equal(host.stack.nextDeadlineMs(), Infinity);
  });

  it(`makes ${MOST_PREFIXES} addresses and routes at most, whatever a router advertises`, () => {
    const host = new TestHost([], { attach: { mac: '02:00:00:00:00:22', autoconfigures: true } });
    play(host, 5000);
    for (let net = 1; net <= MOST_PREFIXES + MOST_ROUTERS + 2; net += 1) {
      host.receive(advertisement(0xc0, 600, net));
    }
    play(host, 9000);
    const { addresses } = host.netInterface;
    assert.equal(addresses.filter(({ address }) => !address.isLinkLocal()).length, MOST_PREFIXES);
    const { routes } = host.stack.ip.routing;
    // Each address has a route, as have the link-local one and the loopback's two; one router has advertised.
    assert.equal(routes.size, MOST_PREFIXES + 3 + MOST_PREFIXES + 1);
  });

  it('ignores advertisements if it was not asked for, and prefixes that are not for addresses', () => {
    const plain = new TestHost(['fd00::2/64']);
    plain.receive(advertisement());
    assert.equal(plain.drops()['ignoredIcmp'], 1);
    const host = new TestHost([], { attach: { autoconfigures: true } });
    play(host, 5000);
    host.receive(advertisement(0x80));
    play(host, 10_000);
    assert.deepEqual(
      host.netInterface.addresses.filter(({ address }) => !address.isLinkLocal()),
      [],
    );
  });

  it('never uses an address whose time is over before it is known to be free', () => {
    const host = new TestHost([], { attach: { mac: '02:00:00:00:00:22', autoconfigures: true } });
    play(host, 5000);
    host.receive(advertisement(0xc0, 300));
    const own = addressOf('fd01::ff:fe00:22');
    assert.equal(host.netInterface.isTentative(own), true);
    host.stack.ip.removeAddress(host.netInterface, own);
    play(host, 10_000);
    assert.equal(host.stack.ip.isOwn(own), false);
  });

  it('does not let an advertisement shorten the life of an address below two hours', () => {
    const host = new TestHost([], { attach: { mac: '02:00:00:00:00:22', autoconfigures: true } });
    play(host, 5000);
    host.receive(advertisement(0xc0, 60_000));
    play(host, 8000);
    host.receive(advertisement(0xc0, 300));
    play(host, 7_000_000);
    assert.equal(host.stack.ip.isOwn(addressOf('fd01::ff:fe00:22')), true);
    play(host, 7_300_000);
    assert.equal(host.stack.ip.isOwn(addressOf('fd01::ff:fe00:22')), false);
  });
});

describe('listener reports', () => {
  it('name the solicited-node groups, behind a router alert, and are repeated once', () => {
    const host = new TestHost(['fd00::2/64'], { attach: { mac: MAC } });
    const sent = [...host.port.take(), ...(host.stack.advance(1000), host.port.take())];
    assert.equal(sent.length, 3);
    const report = hex(sent[1]);
    assert.equal(report.slice(0, 12), '333300000016');
    assert.equal(report.slice(40, 42), '00');
    assert.equal(report.slice(108, 126), '3a000502000001008f');
    assert.ok(report.includes('04000000ff0200000000000000000001ff000002'));
  });
});
