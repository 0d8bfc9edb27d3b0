import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { IpPath } from '../tcp/ip-service.js';
import { pseudoSum6, writeIcmpChecksum } from '../wire/icmp.js';
import { addressOf, bound, TestHost, Wire } from './hosts.test.js';
import { ERROR_BURST, ERRORS_PER_SECOND } from './icmp-errors.js';
import { LEAST_MTU4, LEAST_MTU6, MOST_PATH_MTUS, PATH_MTU_LIFE_MS, plateauBelow } from './path-mtu.js';

interface Family {
  readonly name: string;
  readonly near: string;
  readonly nearRouter: string;
  readonly farRouter: string;
  readonly far: string;
  readonly length: number;
  readonly headerBytes: number;
  readonly all: string;
}

const FAMILIES: readonly Family[] = [
  {
    name: 'IPv4',
    near: '10.0.0.2',
    nearRouter: '10.0.0.1',
    farRouter: '10.0.1.1',
    far: '10.0.1.2',
    length: 24,
    headerBytes: 20,
    all: '0.0.0.0/0',
  },
  {
    name: 'IPv6',
    near: 'fd00::2',
    nearRouter: 'fd00::1',
    farRouter: 'fd01::1',
    far: 'fd01::2',
    length: 64,
    headerBytes: 40,
    all: '::/0',
  },
];

/** Two hosts and a router between them; the far link has an MTU of its own. */
class Net {
  readonly near: TestHost;
  readonly router: TestHost;
  readonly far: TestHost;
  readonly #wires: readonly Wire[];

  constructor(family: Family, farMtu = 1500) {
    const { length } = family;
    this.near = new TestHost([`${family.near}/${length}`], { attach: { mac: '02:00:00:00:01:02' } });
    this.router = new TestHost([`${family.nearRouter}/${length}`], {
      forwarding: true,
      attach: { mac: '02:00:00:00:01:01' },
    });
    const [port, farSide] = this.router.attach([`${family.farRouter}/${length}`], 'ethernet', farMtu);
    this.far = new TestHost([`${family.far}/${length}`], { attach: { mac: '02:00:00:00:02:02' } });
    this.near.stack.addRoute(family.all, {
      gateway: family.nearRouter,
      netInterface: this.near.netInterface,
    });
    this.far.stack.addRoute(family.all, { gateway: family.farRouter, netInterface: this.far.netInterface });
    this.#wires = [
      Wire.between(this.near, this.router),
      new Wire([this.router, port, farSide], [this.far, this.far.port, this.far.netInterface]),
    ];
  }

  run(): void {
    for (let round = 0; round < 8; round += 1) for (const wire of this.#wires) wire.run();
  }
}

/** Sends an echo of `bytes` zeros. */
function sendEcho({ frames, stack }: TestHost, path: IpPath, bytes: number): void {
  const isIpv4 = path.headerBytes === 20;
  const frame = frames.take(8 + bytes);
  frame.end = frame.start + 8 + bytes;
  frame.bytes.fill(0, frame.start, frame.end);
  frame.view.setUint8(frame.start, isIpv4 ? 8 : 128);
  const pseudoSum = isIpv4 ? 0 : pseudoSum6(path.addressSum, 8 + bytes);
  writeIcmpChecksum(frame.view, frame.start, frame.end, pseudoSum);
  stack.ip.send(path, isIpv4 ? 1 : 58, frame);
}

for (const family of FAMILIES) {
  describe(`a router, over ${family.name},`, () => {
    it('passes packets on in both directions', () => {
      const net = new Net(family);
      const [from, to] = [bound(net.near, 5000), bound(net.far, 7)];
      from.send(Uint8Array.of(1), addressOf(family.far), 7);
      net.run();
      assert.equal(to.receive()?.address.toString(), family.near);
      to.send(Uint8Array.of(2), addressOf(family.near), 5000);
      net.run();
      assert.deepEqual(from.receive()?.bytes, Uint8Array.of(2));
      assert.equal(net.router.stack.counters.forwarded, 2);
      assert.deepEqual(
        [net.near, net.router, net.far].map((host) => host.frames.taken),
        [0, 0, 0],
      );
    });

    it('tells the source that there is no route, and no neighbour', () => {
      const net = new Net(family);
      const from = bound(net.near, 5000);
      const nowhere = family.length === 24 ? '192.0.2.1' : '2001:db8::1';
      from.send(Uint8Array.of(1), addressOf(nowhere), 7);
      net.run();
      assert.deepEqual([from.takeError()?.kind, net.router.faults()], ['soft', { noRoute: 1 }]);
      from.send(Uint8Array.of(1), addressOf(family.length === 24 ? '10.0.1.9' : 'fd01::9'), 7);
      net.run();
      for (const ms of [1000, 2000, 3000, 4000]) net.router.stack.advance(ms);
      net.run();
      const error = from.takeError();
      assert.deepEqual([error?.code, error?.kind], [family.length === 24 ? 1 : 3, 'soft']);
    });

    it('lets no packet live for ever', () => {
      const net = new Net(family);
      const from = bound(net.near, 5000);
      from.send(Uint8Array.of(1), addressOf(family.far), 7);
      net.run();
      from.send(Uint8Array.of(1), addressOf(family.far), 7);
      const bytes = net.near.port.take()[0] ?? new Uint8Array();
      if (family.length === 24) {
        bytes[22] = 1;
        rewriteChecksum(bytes);
      } else {
        bytes[21] = 1;
      }
      net.router.receive(bytes);
      net.run();
      assert.deepEqual(net.router.faults(), { hopLimit: 1 });
      assert.equal(from.takeError()?.type, family.length === 24 ? 11 : 3);
    });

    it('passes on the answer to an echo that is larger than the far link takes', () => {
      const net = new Net(family, 1300);
      const path = net.far.stack.ip.pathTo(addressOf(family.near), undefined);
      assert.ok(path !== undefined);
      sendEcho(net.far, path, 1400);
      net.run();
      assert.deepEqual(
        [net.near, net.router, net.far].map((host) => host.faults()),
        [{}, {}, { ignoredIcmp: 1 }],
      );
    });

    it('passes packets on by the MTU of the link, whatever ICMP has said about its own', () => {
      const net = new Net(family);
      net.router.stack.ip.pathMtus.lower(addressOf(family.far), 1300, 1500);
      const to = bound(net.far, 7);
      bound(net.near, 5000).send(new Uint8Array(1400), addressOf(family.far), 7);
      net.run();
      assert.equal(to.receive()?.bytes.length, 1400);
    });

    it('tells the MTU of the far link, to which the source keeps, for ten minutes', () => {
      const net = new Net(family, 1300);
      const [from, to] = [bound(net.near, 5000), bound(net.far, 7)];
      const data = new Uint8Array(1400).fill(3);
      from.send(data, addressOf(family.far), 7);
      net.run();
      assert.equal(to.receive(), undefined);
      const path = net.near.stack.ip.pathTo(addressOf(family.far), addressOf(family.near));
      assert.equal(path?.mtu, 1300);
      from.send(data, addressOf(family.far), 7);
      net.run();
      assert.deepEqual(to.receive()?.bytes, data);
      net.near.stack.advance(PATH_MTU_LIFE_MS - 1);
      assert.equal(path.mtu, 1300);
      net.near.stack.advance(PATH_MTU_LIFE_MS);
      assert.equal(path.mtu, 1500);
    });
  });

  describe(`ICMP over ${family.name}`, () => {
    /**
     * Returns an error of a type and code with a word, which quotes `quoted`, from the router to the near
     * host.
     */
    function error(type: number, code: number, word: number, quoted: Uint8Array): Uint8Array {
      const message = new Uint8Array(8 + quoted.length);
      const view = new DataView(message.buffer);
      view.setUint8(0, type);
      view.setUint8(1, code);
      view.setUint32(4, word);
      message.set(quoted, 8);
      const sender = new TestHost([`${family.nearRouter}/${family.length}`], { medium: 'ip' });
      const path = sender.stack.ip.pathTo(addressOf(family.near), undefined);
      assert.ok(path !== undefined);
      let sum = family.length === 24 ? 0 : path.addressSum + message.length + 58;
      for (let at = 0; at < message.length; at += 2)
        sum += ((message[at] ?? 0) << 8) | (message[at + 1] ?? 0);
      while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
      view.setUint16(2, ~sum & 0xffff);
      const frame = sender.frames.take(message.length);
      frame.bytes.set(message, frame.start);
      frame.end = frame.start + message.length;
      sender.stack.ip.send(path, family.length === 24 ? 1 : 58, frame);
      return sender.port.take()[0] ?? new Uint8Array();
    }

    function host(): TestHost {
      return new TestHost([`${family.near}/${family.length}`], { medium: 'ip' });
    }

    /** Returns a packet that the host has sent from port 5000 to port 7 of the far host. */
    function sentBy(sender: TestHost, bytes: number): Uint8Array {
      sender.stack.addRoute(family.all, { netInterface: sender.netInterface });
      const socket = bound(sender, 5000);
      socket.send(new Uint8Array(bytes), addressOf(family.far), 7);
      return sender.port.take()[0] ?? new Uint8Array();
    }

    const tooBig: readonly [number, number] = family.length === 24 ? [3, 4] : [2, 0];
    const least = family.length === 24 ? LEAST_MTU4 : LEAST_MTU6;

    function mtuOf(sender: TestHost): number | undefined {
      return sender.stack.ip.pathTo(addressOf(family.far), addressOf(family.near))?.mtu;
    }

    it('believes an MTU down to the least of every link, and not below', () => {
      for (const [told, believed] of [
        [1400, 1400],
        [least, least],
        [least - 1, least],
        [68, least],
      ] as const) {
        const sender = host();
        const packet = sentBy(sender, 1450);
        sender.receive(error(...tooBig, told, packet.slice(0, family.headerBytes + 8)));
        assert.equal(mtuOf(sender), believed);
      }
    });

    it('believes no MTU that the packet would have fitted, and none that is larger', () => {
      const sender = host();
      const packet = sentBy(sender, 1450);
      sender.receive(error(...tooBig, packet.length, packet.slice(0, family.headerBytes + 8)));
      assert.deepEqual([mtuOf(sender), sender.drops()], [1500, { badIcmp: 1 }]);
    });

    it('believes no error that quotes a packet of another host, or too little of one', () => {
      const sender = host();
      const packet = sentBy(sender, 1450);
      sender.receive(error(...tooBig, 1300, packet.slice(0, family.headerBytes + 7)));
      const foreign = packet.slice(0, family.headerBytes + 8);
      foreign[family.headerBytes === 20 ? 15 : 23] = 77;
      sender.receive(error(...tooBig, 1300, foreign));
      assert.deepEqual([mtuOf(sender), sender.drops()], [1500, { badIcmp: 2 }]);
    });

    it('believes no error that quotes a protocol, or a port, that this host does not use', () => {
      const sender = host();
      const packet = sentBy(sender, 1450);
      const unknown = packet.slice(0, family.headerBytes + 8);
      unknown[family.headerBytes === 20 ? 9 : 6] = 253;
      sender.receive(error(...tooBig, 1300, unknown));
      const unused = packet.slice(0, family.headerBytes + 8);
      unused[family.headerBytes + 1] = (unused[family.headerBytes + 1] ?? 0) ^ 1;
      sender.receive(error(...tooBig, 1300, unused));
      assert.deepEqual([mtuOf(sender), sender.drops()], [1500, { badIcmp: 2 }]);
    });

    it('believes no error that quotes ICMP, which this host does not remember', () => {
      const sender = host();
      const quoted = sentBy(sender, 1450).slice(0, family.headerBytes + 8);
      quoted[family.headerBytes === 20 ? 9 : 6] = family.length === 24 ? 1 : 58;
      quoted[family.headerBytes] = family.length === 24 ? 0 : 129;
      sender.receive(error(...tooBig, 1300, quoted));
      assert.deepEqual([mtuOf(sender), sender.drops()], [1500, { badIcmp: 1 }]);
    });

    it('believes no error that quotes a later fragment, which shows no port', () => {
      const sender = host();
      sentBy(sender, 3000);
      bound(sender, 5001).send(new Uint8Array(3000), addressOf(family.far), 7);
      const [first, second] = sender.port.take();
      assert.ok(first !== undefined && second !== undefined);
      const bytes = family.headerBytes + (family.length === 24 ? 8 : 16);
      sender.receive(error(...tooBig, 1300, second.slice(0, bytes)));
      assert.deepEqual([mtuOf(sender), sender.drops()], [1500, { badIcmp: 1 }]);
      sender.receive(error(...tooBig, 1300, first.slice(0, bytes)));
      assert.equal(mtuOf(sender), 1300);
    });

    it(`keeps the MTUs of ${MOST_PATH_MTUS} destinations, and forgets the oldest for one more`, () => {
      const { pathMtus } = host().stack.ip;
      const destination = (index: number): ReturnType<typeof addressOf> =>
        addressOf(
          `${family.length === 24 ? '10.9.' : 'fd09::'}${index >> 8}${family.length === 24 ? '.' : ':'}${index & 255}`,
        );
      for (let index = 0; index <= MOST_PATH_MTUS; index += 1) {
        pathMtus.lower(destination(index), 1400, 1500);
        assert.equal(pathMtus.size, Math.min(index + 1, MOST_PATH_MTUS));
      }
      assert.equal(pathMtus.find(destination(0)), undefined);
      assert.equal(pathMtus.find(destination(1))?.mtu, 1400);
    });

    it('answers an echo with its data, and the error about a port not more often than its limit', () => {
      const receiver = host();
      const sender = new TestHost([`${family.nearRouter}/${family.length}`], { medium: 'ip' });
      const socket = bound(sender, 5000);
      const wire = Wire.between(sender, receiver);
      for (let sent = 0; sent <= ERROR_BURST; sent += 1)
        socket.send(Uint8Array.of(1), addressOf(family.near), 9);
      wire.run();
      assert.equal(receiver.drops()['icmpRateLimit'], 1);
      receiver.stack.advance(1000 / ERRORS_PER_SECOND);
      socket.send(Uint8Array.of(1), addressOf(family.near), 9);
      wire.run();
      assert.equal(receiver.drops()['icmpRateLimit'], 1);
      const echo = error(family.length === 24 ? 8 : 128, 0, 0x1234_0001, Uint8Array.of(1, 2, 3, 4));
      receiver.receive(echo);
      const reply = receiver.port.take()[0] ?? new Uint8Array();
      assert.equal(reply[family.headerBytes], family.length === 24 ? 0 : 129);
      assert.deepEqual(reply.slice(family.headerBytes + 4), echo.slice(family.headerBytes + 4));
      sender.receive(reply);
      assert.deepEqual(sender.drops(), { ignoredIcmp: 1 });
    });

    it('never answers an error with an error', () => {
      const receiver = host();
      const message = error(family.length === 24 ? 3 : 1, 0, 0, new Uint8Array(family.headerBytes + 8));
      receiver.receive(message);
      assert.deepEqual(receiver.port.take(), []);
    });
  });
}

describe('an MTU that a router does not tell', () => {
  it('is the next plateau of RFC 1191', () => {
    assert.deepEqual([65_535, 1500, 1492, 576, 68].map(plateauBelow), [32_000, 1492, 1006, 508, 68]);
  });
});

function rewriteChecksum(frame: Uint8Array): void {
  frame[24] = 0;
  frame[25] = 0;
  let sum = 0;
  for (let at = 14; at < 34; at += 2) sum += ((frame[at] ?? 0) << 8) | (frame[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  frame[24] = (~sum >>> 8) & 255;
  frame[25] = ~sum & 255;
}
