/** Networks of whole hosts, as programs see them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AsyncClient, AsyncServer } from '#src/index.js';
import type { Link } from '#src/link/link.js';
import type { Host } from '#src/sim/host.js';
import { Network, type NetworkOptions } from '#src/sim/network.js';
import { SimulationError } from '#src/sim/simulation-error.js';

const SEED = 7;

function pair(options: NetworkOptions = {}): { network: Network; device: Host; gateway: Host } {
  const network = new Network({ seed: SEED, ...options });
  const device = network.host('device', { profile: 'esp32', address: '10.0.0.2' });
  const gateway = network.host('gateway', { address: '10.0.0.1' });
  return { network, device, gateway };
}

function echoOn(host: Host, port = 80): AsyncServer {
  const server = new AsyncServer(port, { stack: host.stack });
  server.onClient((client) => {
    client.onData((_, data) => {
      client.write(data);
    });
    client.onDisconnect(() => undefined);
  });
  void server.begin();
  return server;
}

/** Connects, sends `text`, and resolves with what comes back. */
function ask(host: Host, to: string, text: string, port = 80): Promise<string> {
  return new Promise((resolve, reject) => {
    const client = new AsyncClient({ stack: host.stack });
    let heard = '';
    client.onConnect(() => {
      client.write(text);
    });
    client.onData((_, data) => {
      heard += new TextDecoder().decode(data);
      if (heard.length >= text.length) {
        client.close();
        resolve(heard);
      }
    });
    client.onError((_, code) => {
      reject(new Error(`the connection failed with ${code}`));
    });
    client.onDisconnect(() => undefined);
    client.connect(to, port);
  });
}

describe('a network', () => {
  it('lets a host reach another one by its name, in virtual time', async () => {
    const { network, device, gateway } = pair();
    network.link(device, gateway, { delayMs: 20 });
    echoOn(gateway);
    assert.equal(await network.runUntil(ask(device, 'gateway', 'hello')), 'hello');
    assert.equal(network.nowMs, 80);
  });

  it('passes a stream through loss, reordering, duplication and corruption', async () => {
    const { network, device, gateway } = pair();
    const rough = { loss: 0.02, duplicate: 0.02, corrupt: 0.02, jitterMs: 3, reorder: { percent: 5 } };
    network.link(device, gateway, { delayMs: 5, ...rough });
    echoOn(gateway);
    const text = 'abcdefghij'.repeat(400);
    assert.equal(await network.runUntil(ask(device, 'gateway', text)), text);
  });

  it('shows what happened on a link, with relative sequence numbers', async () => {
    const { network, device, gateway } = pair();
    const link = network.link(device, gateway, { delayMs: 10 });
    using log = link.log();
    link.dropNext((packet) => packet.isSyn && packet.isAck);
    echoOn(gateway);
    await network.runUntil(ask(device, 'gateway', 'hello'));
    const [syn = '', synAck = ''] = log.lines;
    assert.match(
      syn,
      /^0\.000000 device > gateway: 10\.0\.0\.2\.\d+ > 10\.0\.0\.1\.80: Flags \[S\], seq 0, win 5760/,
    );
    assert.match(synAck, /^0\.010000 gateway > device: .*Flags \[S\.\], seq 0, ack 1.* \(rule\)$/);
    assert.ok(log.lines.some((line) => line.includes('seq 1:6, ack 1')));
  });

  it('sends the same packets for the same seed, and others for another one', async () => {
    const logOf = async (seed: number): Promise<string> => {
      const { network, device, gateway } = pair({ seed });
      const link = network.link(device, gateway, { delayMs: 5, loss: 0.2 });
      const log = link.log();
      echoOn(gateway);
      await network.runUntil(ask(device, 'gateway', 'x'.repeat(5000)));
      return log.toString();
    };
    assert.equal(await logOf(1), await logOf(1));
    assert.notEqual(await logOf(1), await logOf(2));
  });

  it('keeps the chance of a link when another link is added', async () => {
    const logOf = async (isLarger: boolean): Promise<string> => {
      const { network, device, gateway } = pair();
      if (isLarger) {
        const other = network.host('other', { address: '10.0.0.3' });
        network.link(other, gateway, { loss: 0.5 });
        echoOn(other);
        void ask(gateway, 'other', 'y'.repeat(5000)).catch(() => undefined);
      }
      const link = network.link(device, gateway, { delayMs: 5, loss: 0.2 });
      const log = link.log();
      echoOn(gateway);
      await network.runUntil(ask(device, '10.0.0.1', 'x'.repeat(5000)));
      // The numbers of packets are the host's; the fate of each is the link's.
      return log.lines.map((line) => line.endsWith('(loss)')).join();
    };
    assert.equal(await logOf(true), await logOf(false));
  });

  it('joins hosts by a LAN with ARP, and routes between links', async () => {
    const { network, device, gateway } = pair();
    const router = network.host('router', { address: '10.0.0.254', forwards: true });
    const server = network.host('server', { address: '192.0.2.1' });
    const lan = network.lan('wifi', { hosts: [device, gateway, router], delayMs: 1, powerSave: true });
    network.link(server, router, { delayMs: 10 });
    device.addRoute('0.0.0.0/0', router);
    echoOn(gateway);
    echoOn(server);
    const log = lan.linkOf(device).log();
    assert.equal(await network.runUntil(ask(device, 'gateway', 'near')), 'near');
    assert.ok(log.lines.some((line) => line.includes('ARP, who-has 10.0.0.1 tell 10.0.0.2')));
    assert.equal(await network.runUntil(ask(device, 'server', 'far')), 'far');
  });

  it('routes the families that a router of a LAN has', async () => {
    const { network, device } = pair();
    const router = network.host('router', { address: 'fd00::fe', forwards: true });
    const both = network.host('both', { address: ['10.0.0.9', 'fd00::9'] });
    network.lan('lan', { hosts: [device, router, both] });
    device.addDefaultRoute(router);
    both.addDefaultRoute(router);
    const far = network.host('far', { address: '2001:db8::1' });
    network.link(far, router);
    echoOn(far);
    assert.equal(await network.runUntil(ask(both, '2001:db8::1', 'far')), 'far');
  });

  it('translates addresses, and forgets a silent session after 2 h 4 min', async () => {
    const { network, device } = pair();
    const server = network.host('server', { address: '192.0.2.1' });
    const nat = { address: '203.0.113.1', onExpiry: 'reset' } as const;
    const link = network.link(device, server, { delayMs: 10, nat });
    let peer = '';
    const remote = new AsyncServer(80, { stack: server.stack });
    remote.onClient((client) => {
      peer = client.remoteIP();
      client.onData((_, data) => {
        client.write(data);
      });
      client.onDisconnect(() => undefined);
    });
    void remote.begin();
    const client = new AsyncClient({ stack: device.stack });
    const heard: string[] = [];
    client.onConnect(() => {
      client.write('one');
    });
    client.onData((_, data) => {
      heard.push(new TextDecoder().decode(data));
    });
    client.onDisconnect(() => {
      heard.push('gone');
    });
    client.connect('server', 80);
    await network.run(7_439_000);
    client.write('two');
    await network.run(1000);
    assert.deepEqual([peer, heard], ['203.0.113.1', ['one', 'two']]);
    await network.run(7_441_000);
    client.write('three');
    await network.run(1000);
    assert.deepEqual(heard, ['one', 'two', 'gone']);
    assert.equal(link.nat?.expired, 1);
  });

  it('crashes a host without a packet, and boots it anew', async () => {
    const { network, device, gateway } = pair();
    const link = network.link(device, gateway, { delayMs: 10 });
    echoOn(gateway);
    await network.runUntil(ask(device, 'gateway', 'before'));
    const before = gateway.stack;
    const sent = link.backward.sent;
    gateway.crash();
    await network.run(1000);
    assert.equal(link.backward.sent, sent);
    assert.throws(() => gateway.stack, SimulationError);
    gateway.restart();
    assert.notEqual(gateway.stack, before);
    await assert.rejects(network.runUntil(ask(device, 'gateway', 'nobody listens')), /failed with/);
    echoOn(gateway);
    assert.equal(await network.runUntil(ask(device, 'gateway', 'after')), 'after');
  });

  it('cuts hosts off from each other, and joins them again', async () => {
    const { network, device, gateway } = pair();
    network.lan('lan', { hosts: [device, gateway] });
    echoOn(gateway);
    const partition = network.partition([device], [gateway]);
    const answer = ask(device, 'gateway', 'hello');
    await network.run(2000);
    partition.heal();
    assert.equal(await network.runUntil(answer), 'hello');
    assert.ok(network.nowMs > 2000);
  });

  describe('with partitions that overlap', () => {
    const FAR_MS = 5000;

    /** Returns true if the gateway hears the device. */
    async function hears({ network, device, gateway }: ReturnType<typeof pair>): Promise<boolean> {
      let heard = 0;
      const ear = gateway.udp({ port: 5000, onDatagram: () => (heard += 1) });
      const mouth = device.udp();
      mouth.send('hello', gateway.address, 5000);
      await network.run(FAR_MS);
      ear.close();
      mouth.close();
      return heard > 0;
    }

    for (const medium of ['link', 'LAN'] as const) {
      const join = ({ network, device, gateway }: ReturnType<typeof pair>): Link =>
        medium === 'link'
          ? network.link(device, gateway)
          : network.lan('lan', { hosts: [device, gateway] }).linkOf(device);

      it(`keeps hosts apart until each is healed, on a ${medium}`, async () => {
        const world = pair();
        join(world);
        const { network, device, gateway } = world;
        const first = network.partition([device], [gateway]);
        const second = network.partition([gateway], [device]);
        first.heal();
        first.heal();
        assert.equal(await hears(world), false);
        second.heal();
        assert.equal(await hears(world), true);
      });

      it(`leaves a cut to the one who has made it, on a ${medium}`, async () => {
        const world = pair();
        const link = join(world);
        const { network, device, gateway } = world;
        link.cut();
        const partition = network.partition([device], [gateway]);
        partition.heal();
        assert.equal(await hears(world), false);
        const second = network.partition([device], [gateway]);
        link.heal();
        assert.equal(await hears(world), false);
        second[Symbol.dispose]();
        assert.equal(await hears(world), true);
      });

      it(`holds for a ${medium} that joins the hosts later`, async () => {
        const world = pair();
        const { network, device, gateway } = world;
        const partition = network.partition([device], [gateway]);
        join(world);
        assert.equal(await hears(world), false);
        partition.heal();
        assert.equal(await hears(world), true);
      });
    }
  });

  it('finds a host by the address that it has on one LAN alone', async () => {
    const { network, device, gateway } = pair();
    const lan = network.lan('lan', { hosts: [device] });
    lan.join(device, { address: '192.168.1.2' });
    const other = network.host('other', { address: '192.168.1.3' });
    lan.join(other);
    lan.join(gateway, { address: ['192.168.1.1', 'fd00::1'] });
    echoOn(gateway);
    assert.equal(await network.runUntil(ask(other, 'gateway', 'hello')), 'hello');
  });

  it('answers look-ups as dns.lookup does', async () => {
    const network = new Network({ seed: SEED });
    network.host('both', { address: ['10.0.0.1', 'fd00::1'] });
    const ask = (...args: readonly unknown[]): Promise<unknown[]> =>
      network.runUntil(
        new Promise((resolve) => {
          const done = (...answer: unknown[]): void => {
            resolve(answer);
          };
          Reflect.apply(network.lookup, undefined, [...args, done]);
        }),
      );
    const four = { address: '10.0.0.1', family: 4 };
    const six = { address: 'fd00::1', family: 6 };
    assert.deepEqual(await ask('both'), [null, '10.0.0.1', 4]);
    assert.deepEqual(await ask('both', 6), [null, 'fd00::1', 6]);
    assert.deepEqual(await ask('both', { family: 'IPv6' }), [null, 'fd00::1', 6]);
    assert.deepEqual(await ask('both', { all: true }), [null, [four, six]]);
    assert.deepEqual(await ask('both', { all: true, family: 4 }), [null, [four]]);
    assert.deepEqual(await ask('both', { all: true, family: 0 }), [null, [four, six]]);
    const [error] = await ask('none', { family: 4 });
    assert.ok(error instanceof Error);
    assert.deepEqual(
      [error.message, Reflect.get(error, 'code'), Reflect.get(error, 'hostname')],
      ['getaddrinfo ENOTFOUND none', 'ENOTFOUND', 'none'],
    );
    assert.throws(
      () => Reflect.apply(network.lookup, network, ['both', {}]),
      /^TypeError: answer must be a function/,
    );
  });

  it('finds hosts by names as URLs and mDNS write them', async () => {
    const { network } = pair();
    network.host('Door.local', { address: '10.0.0.7' });
    network.host('Door', { address: '10.0.0.8' });
    const find = (name: string): Promise<string> =>
      new Promise((resolve) => {
        network.lookup(name, {}, (error, address) => {
          resolve(error === null && typeof address === 'string' ? address : 'none');
        });
      });
    const names = ['Door.local', 'door.local', 'Door', 'door', 'gateway.local.', 'GATEWAY.LOCAL', 'gate'];
    assert.deepEqual(await network.runUntil(Promise.all(names.map(find))), [
      '10.0.0.7',
      '10.0.0.7',
      '10.0.0.8',
      '10.0.0.8',
      '10.0.0.1',
      '10.0.0.1',
      'none',
    ]);
  });

  it('resets a connection at both ends', async () => {
    const { network, device, gateway } = pair();
    const link = network.link(device, gateway, { delayMs: 10 });
    echoOn(gateway);
    link.resetNext((packet) => packet.payloadBytes > 0);
    await assert.rejects(network.runUntil(ask(device, 'gateway', 'hello')), /failed with -14/);
    await network.run(0);
    assert.equal(gateway.netstack.tcp.connections, 0);
  });
});
