/** What a program sees of a whole network, and what happens while no run is under way. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AsyncClient, AsyncServer } from '#src/index.js';
import { Conversations, type ConversationState } from '#src/link/conversations.js';
import type { Host } from '#src/sim/host.js';
import { Network } from '#src/sim/network.js';

const DELAY_MS = 10;

interface Pair {
  readonly network: Network;
  readonly device: Host;
  readonly gateway: Host;
}

function pair(): Pair {
  const network = new Network({ seed: 1 });
  const device = network.host('device', { address: '10.0.0.2' });
  const gateway = network.host('gateway', { address: '10.0.0.1' });
  network.link(device, gateway, { delayMs: DELAY_MS });
  return { network, device, gateway };
}

function echoOn({ gateway }: Pair, port = 80): Promise<void> {
  const server = new AsyncServer(port, { stack: gateway.stack });
  server.onClient((client) => {
    client.onData((_, data) => void client.write(data));
  });
  return server.begin();
}

describe('a network that does not run', () => {
  it('does the work of the present instant, so that a server begins', async () => {
    const { network, ...hosts } = pair();
    await echoOn({ network, ...hosts });
    assert.equal(network.nowMs, 0);
  });

  it('lets no time pass', async () => {
    const { network, device } = pair();
    const seen: string[] = [];
    const client = new AsyncClient({ stack: device.stack });
    client.onError(() => void seen.push('error'));
    client.connect('gateway', 80);
    for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([network.nowMs, seen], [0, []]);
    await network.run(2 * DELAY_MS);
    assert.deepEqual(seen, ['error']);
  });

  it('runs when the program asks for it in the middle of that work', async () => {
    const hosts = pair();
    const { network, device } = hosts;
    await echoOn(hosts);
    network.runSync(5);
    await echoOn(hosts, 81);
    await network.run(5);
    await echoOn(hosts, 82);
    const client = await network.runUntil(AsyncClient.open('gateway', 82, { stack: device.stack }));
    assert.equal(network.nowMs, 10 + 2 * DELAY_MS);
    assert.equal(client.connected(), true);
  });
});

describe('a long run', () => {
  it('gives the runtime a turn in between, so that a limit of a test can end it', async () => {
    const { network } = pair();
    let isOver = false;
    const again = (): void => {
      if (!isOver) network.at(network.nowMs + 0.001, again);
    };
    again();
    const timer = setImmediate(() => (isOver = true));
    await network.run(1e9);
    clearImmediate(timer);
    assert.equal(isOver, true);
  });
});

describe('the view of a whole network', () => {
  it('has the hosts and links in their order', () => {
    const { network, device, gateway } = pair();
    network.lan('wifi', { hosts: [gateway] });
    assert.deepEqual(network.hosts, [device, gateway]);
    assert.deepEqual(
      network.links.map(({ name }) => name),
      ['device - gateway', 'gateway - wifi'],
    );
  });

  it('prints what a log keeps, each line when its fate is known', async () => {
    const hosts = pair();
    const { network, device } = hosts;
    const printed: string[] = [];
    const printer = network.print((line) => void printed.push(line));
    using log = network.log();
    network.links[0]?.dropNext(({ isSyn }) => isSyn);
    await echoOn(hosts);
    const client = await network.runUntil(AsyncClient.open('gateway', 80, { stack: device.stack }));
    client.close();
    await network.run(1000);
    printer.stop();
    assert.match(printed[0] ?? '', /Flags \[S\].* \(rule\)$/);
    assert.deepEqual(printed, log.lines);
    const count = printed.length;
    await network.runUntil(AsyncClient.open('gateway', 80, { stack: device.stack }));
    assert.equal(printed.length, count, 'a printer that was stopped prints nothing');
  });

  it('tells how connections ended, with bytes and retransmissions', async () => {
    const hosts = pair();
    const { network, device } = hosts;
    const seen = new Conversations(() => false);
    network.addTap(seen);
    await echoOn(hosts);
    const client = await network.runUntil(AsyncClient.open('gateway', 80, { stack: device.stack }));
    network.links[0]?.dropNext(({ payloadBytes }) => payloadBytes > 0);
    client.write('hello');
    await network.run(2000);
    client.close();
    const other = await network.runUntil(AsyncClient.open('gateway', 80, { stack: device.stack }));
    other.abort();
    await assert.rejects(network.runUntil(AsyncClient.open('gateway', 81, { stack: device.stack })));
    await network.runUntil(AsyncClient.open('gateway', 80, { stack: device.stack }));
    network.links[0]?.cut();
    void AsyncClient.open('gateway', 80, { stack: device.stack }).catch(() => undefined);
    await network.run(1000);
    const states: readonly ConversationState[] = ['closed', 'reset', 'refused', 'open', 'unanswered'];
    assert.deepEqual(
      seen.list.map(({ state }) => state),
      states,
    );
    const [{ forward, backward } = assert.fail()] = seen.list;
    assert.deepEqual([forward.bytes, backward.bytes, forward.retransmissions], [5, 5, 1]);
  });
});
