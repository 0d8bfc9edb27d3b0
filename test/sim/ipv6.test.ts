/** IPv6 over links, in LANs and through routers, and hosts of both families. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AsyncClient, AsyncServer } from '#src/index.js';
import type { Host } from '#src/sim/host.js';
import { Network } from '#src/sim/network.js';

const DELAY_MS = 10;
const DEVICE = ['10.0.0.2', 'fd00::2'] as const;
const SERVER = ['10.0.0.1', 'fd00::1'] as const;

/** Answers each connection with the address of the client. */
function greetOn(host: Host, address?: string): void {
  const server =
    address === undefined
      ? new AsyncServer(80, { stack: host.stack })
      : new AsyncServer(address, 80, { stack: host.stack });
  server.onClient((client) => {
    client.write(client.remoteIP());
    client.close();
  });
  void server.begin();
}

/** Connects, and resolves with what the server says and the address that it said it from. */
function ask(host: Host, to: string): Promise<readonly [heard: string, from: string]> {
  return new Promise((resolve, reject) => {
    const client = new AsyncClient({ stack: host.stack });
    let heard = '';
    let from = '';
    client.onConnect(() => {
      from = client.remoteIP();
    });
    client.onData((_, data) => {
      heard += new TextDecoder().decode(data);
    });
    client.onError((_, code) => {
      reject(new Error(`the connection failed with ${code}`));
    });
    client.onDisconnect(() => {
      resolve([heard, from]);
    });
    client.connect(to, 80);
  });
}

type Join = (network: Network, device: Host, server: Host) => unknown;

const PLACES: readonly (readonly [place: string, join: Join])[] = [
  ['over a link', (network, device, server) => network.link(device, server, { delayMs: DELAY_MS })],
  [
    'over a link of Ethernet',
    (network, device, server) => network.link(device, server, { delayMs: DELAY_MS, medium: 'ethernet' }),
  ],
  ['in a LAN', (network, device, server) => network.lan('lan', { hosts: [device, server], delayMs: 5 })],
];

describe('hosts of both families', () => {
  for (const [place, join] of PLACES) {
    it(`reach each other by both addresses ${place}`, async () => {
      const network = new Network({ seed: 1 });
      const device = network.host('device', { address: DEVICE, profile: 'esp32' });
      const server = network.host('server', { address: SERVER });
      join(network, device, server);
      greetOn(server);
      for (const [index, address] of SERVER.entries()) {
        assert.deepEqual(await network.runUntil(ask(device, address)), [DEVICE[index], address]);
      }
    });

    it(`find each other by name ${place}, also if one family has no listener`, async () => {
      for (const listens of [undefined, ...SERVER]) {
        const network = new Network({ seed: 1 });
        const device = network.host('device', { address: DEVICE });
        const server = network.host('server', { address: SERVER });
        join(network, device, server);
        greetOn(server, listens);
        const [heard, from] = await network.runUntil(ask(device, 'server'));
        const index = listens === SERVER[1] ? 1 : 0;
        assert.deepEqual([heard, from], [DEVICE[index], SERVER[index]]);
      }
    });
  }

  it('fall back to the other family by name when one of them is lost on the way', async () => {
    const network = new Network({ seed: 1 });
    const device = network.host('device', { address: DEVICE });
    const server = network.host('server', { address: SERVER });
    const link = network.link(device, server, { delayMs: DELAY_MS });
    link.add((packet) => (packet.kind === 'ipv4' ? 'drop' : undefined));
    greetOn(server);
    assert.deepEqual(await network.runUntil(ask(device, 'server')), [DEVICE[1], SERVER[1]]);
  });
});

describe('a router', () => {
  it('passes IPv6 on between a LAN and a link, and between two LANs', async () => {
    const network = new Network({ seed: 1 });
    const router = network.host('router', { address: ['fd00::ff', 'fd01::ff'], forwards: true });
    const device = network.host('device', { address: 'fd00::2' });
    const near = network.host('near', { address: 'fd01::1' });
    const far = network.host('far', { address: 'fd02::1' });
    const first = network.lan('first', { hosts: [device], delayMs: 1 });
    first.join(router, { address: 'fd00::ff' });
    const second = network.lan('second', { hosts: [near], delayMs: 1 });
    second.join(router, { address: 'fd01::ff' });
    network.link(far, router, { delayMs: DELAY_MS });
    device.addRoute('::/0', router);
    near.addRoute('::/0', router);
    greetOn(near);
    greetOn(far);
    const log = first.linkOf(device).log();
    assert.deepEqual(await network.runUntil(ask(device, 'near')), ['fd00::2', 'fd01::1']);
    assert.deepEqual(await network.runUntil(ask(device, 'far')), ['fd00::2', 'fd02::1']);
    assert.ok(log.lines.some((line) => line.includes('ICMPv6 type 135')));
  });

  it('tells a sender of IPv6 that the path is narrow, and the stream gets through', async () => {
    const network = new Network({ seed: 1 });
    const router = network.host('router', { address: 'fd00::ff', forwards: true });
    const device = network.host('device', { address: 'fd00::2' });
    const server = network.host('server', { address: 'fd02::1' });
    network.link(device, router, { delayMs: 1 });
    network.link(server, router, { delayMs: 1, mtu: 1300 });
    const bytes = 50_000;
    const got = new Promise<number>((resolve) => {
      let count = 0;
      const listener = new AsyncServer(80, { stack: server.stack });
      listener.onClient((client) => {
        client.onData((_, data) => {
          count += data.length;
          if (count === bytes) resolve(count);
        });
        client.onDisconnect(() => undefined);
      });
      void listener.begin();
    });
    const client = new AsyncClient({ stack: device.stack });
    client.onConnect(() => {
      client.write(new Uint8Array(bytes));
    });
    client.connect('server', 80);
    assert.equal(await network.runUntil(got), bytes);
  });
});
