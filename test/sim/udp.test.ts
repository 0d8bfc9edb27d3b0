/** UDP sockets of hosts: datagrams are events of the run. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Host } from '#src/sim/host.js';
import { Network } from '#src/sim/network.js';
import { SimulationError } from '#src/sim/simulation-error.js';

const DELAY_MS = 10;

function pair(addresses: readonly [string, string] = ['10.0.0.1', '10.0.0.2']): {
  network: Network;
  client: Host;
  server: Host;
} {
  const network = new Network({ seed: 1 });
  const client = network.host('client', { address: addresses[0] });
  const server = network.host('server', { address: addresses[1] });
  network.link(client, server, { delayMs: DELAY_MS });
  return { network, client, server };
}

/** Answers each datagram with its bytes. */
function echoOn(host: Host, port = 7): void {
  host.udp({
    port,
    onDatagram: (bytes, { address, port: from }, socket) => socket.send(bytes, address, from),
  });
}

describe('a UDP socket of a host', () => {
  for (const addresses of [
    ['10.0.0.1', '10.0.0.2'],
    ['fd00::1', 'fd00::2'],
  ] as const) {
    it(`asks and is answered, in virtual time and in order, over ${addresses[0]}`, async () => {
      const { network, client, server } = pair(addresses);
      echoOn(server);
      const heard: unknown[] = [];
      const socket = client.udp({
        onDatagram: (bytes, from) => heard.push([network.nowMs, new TextDecoder().decode(bytes), from]),
      });
      assert.equal(socket.send('one', server.address, 7), undefined);
      assert.equal(socket.send(new TextEncoder().encode('two'), server.address, 7), undefined);
      await network.run(100);
      const from = { address: server.address, port: 7 };
      assert.deepEqual(heard, [
        [2 * DELAY_MS, 'one', from],
        [2 * DELAY_MS, 'two', from],
      ]);
    });
  }

  it('runs the ticks and microtasks of a datagram before the next one', async () => {
    const { network, client, server } = pair();
    const order: string[] = [];
    server.udp({
      port: 7,
      onDatagram: (bytes) => {
        order.push(`datagram ${bytes.length}`);
        void Promise.resolve().then(() => order.push('microtask'));
      },
    });
    const socket = client.udp();
    socket.send('a', server.address, 7);
    socket.send('bb', server.address, 7);
    await network.run(100);
    assert.deepEqual(order, ['datagram 1', 'microtask', 'datagram 2', 'microtask']);
  });

  it('hears that nobody listens', async () => {
    const { network, client, server } = pair();
    const errors: unknown[] = [];
    const socket = client.udp({ onError: (kind, to) => errors.push([network.nowMs, kind, to]) });
    socket.send('is anybody there?', server.address, 7);
    await network.run(100);
    assert.deepEqual(errors, [[2 * DELAY_MS, 'hard', { address: server.address, port: 7 }]]);
  });

  it('passes the datagrams that wait also when its program throws', async () => {
    const { network, client, server } = pair();
    let heard = 0;
    server.udp({
      port: 7,
      onDatagram: () => {
        heard += 1;
        if (heard === 1) throw new Error('at the first one');
      },
    });
    const socket = client.udp();
    socket.send('1', server.address, 7);
    socket.send('2', server.address, 7);
    await assert.rejects(network.run(100), /^SimulationError: at the first one\n {2}at 10 ms/);
    await network.run(100);
    assert.equal(heard, 2);
  });

  it('talks to itself over the loopback', () => {
    const { network, client } = pair();
    echoOn(client);
    let heard = 0;
    client.udp({ onDatagram: () => (heard += 1) }).send('me', '127.0.0.1', 7);
    network.runSync(0);
    assert.equal(heard, 1);
  });

  it('refuses a port in use and an address that is not the host’s, and sends nothing when it is closed', () => {
    const { client, server } = pair();
    const socket = client.udp({ port: 53 });
    assert.deepEqual([socket.port, socket.isOpen], [53, true]);
    assert.throws(() => client.udp({ port: 53 }), /no UDP socket on client: inUse/);
    assert.throws(() => client.udp({ address: server.address }), /no UDP socket on client: notLocal/);
    assert.throws(() => client.udp({ address: 'server' }), TypeError);
    assert.throws(() => socket.send('', 'server', 7), TypeError);
    socket.close();
    assert.deepEqual([socket.isOpen, socket.send('', server.address, 7)], [false, 'closed']);
    assert.equal(client.udp({ port: 53 }).port, 53);
  });

  it('ends with its boot', async () => {
    const { network, client, server } = pair();
    let heard = 0;
    const old = server.udp({ port: 7, onDatagram: () => (heard += 1) });
    client.udp().send('for the old boot', server.address, 7);
    server.restart();
    await network.run(100);
    assert.deepEqual([heard, old.isOpen, old.send('', client.address, 7)], [0, false, 'closed']);
    server.crash();
    assert.throws(() => server.udp(), SimulationError);
  });
});
