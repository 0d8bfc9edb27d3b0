/** Mistakes in a program are answered at once, by their names. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MOST_INTERFACES } from '#src/netstack/netstack.js';
import { MOST_TIME_MS } from '#src/sim/event-loop.js';
import { AsyncClient } from '#src/index.js';
import { Network } from '#src/sim/network.js';

/** Calls a method as JavaScript may: with any arguments. */
function call(holder: object, method: string, ...args: unknown[]): unknown {
  const found: unknown = Reflect.get(holder, method);
  assert.ok(typeof found === 'function');
  return Reflect.apply(found, holder, args);
}

describe('a mistake is answered by its name', () => {
  const network = new Network({ seed: 1 });
  const [a, b] = [network.host('a'), network.host('b')];

  it('an option that a link does not have', () => {
    assert.throws(
      () => call(network, 'link', a, b, { delay: 5 }),
      /^TypeError: a link has no option delay; .*delayMs/,
    );
    const link = network.link(a, b);
    assert.throws(
      () => call(link, 'set', { packetLoss: 0.1 }),
      /^TypeError: a direction of a link has no option packetLoss/,
    );
    assert.throws(() => {
      link.set({ loss: 5 });
    }, /^RangeError: loss must be a number of 0 to 1, not 5/);
  });

  it('a profile or an address that is none', () => {
    assert.throws(
      () => call(network, 'host', 'c', { profile: 'esp8266' }),
      /^RangeError: profile must be one of linux, /,
    );
    const cases: readonly (readonly [address: unknown, message: RegExp])[] = [
      ['10.0.0', /^TypeError: address of d must be an IP address such as .*, not "10\.0\.0"$/],
      [5, /^TypeError: address of d must be an IP address such as .*, not 5$/],
      [[], /^RangeError: address of d must be 1 to 16 addresses, not 0$/],
      [['10.0.0.9', 'x'], /^TypeError: address of d must be .*, not "x"$/],
      ['10.0.0.9/33', /^RangeError: '10\.0\.0\.9\/33' has no valid prefix length$/],
      [['10.0.0.9', '10.0.0.9/16'], /^RangeError: address of d has 10\.0\.0\.9 twice$/],
      [['fd00::9', 'fd00:0::9'], /^RangeError: address of d has fd00::9 twice$/],
      ...['0.0.0.0', '127.0.0.1', '224.0.0.1', '255.255.255.255', '::', '::1', 'ff02::1'].map(
        (address) =>
          [address, /^TypeError: address of d must be an address that a host can have, not "/] as const,
      ),
    ];
    for (const [address, message] of cases) {
      assert.throws(() => call(network, 'host', 'd', { address }), message);
      const lan = network.lan(`lan ${String(address)}`);
      assert.throws(
        () => call(lan, 'join', a, { address }),
        RegExp(message.source.replace('of d', 'of a in lan .*')),
      );
    }
    assert.throws(
      () => call(network, 'host', 'd', { profile: 5 }),
      /^TypeError: profile must be a name, or an object/,
    );
    assert.deepEqual(
      network.hosts.map(({ name }) => name),
      ['a', 'b'],
    );
  });

  it('an option that a network, a host or a UDP socket does not have, or a value that is none', () => {
    const make = (options: unknown): unknown => Reflect.construct(Network, [options]);
    const networks: readonly (readonly [options: unknown, message: RegExp])[] = [
      [{ sead: 1 }, /^TypeError: a network has no option sead; its options are .*seed/],
      [{ seed: 1.5 }, /^RangeError: seed must be a whole number or a text, not 1\.5$/],
      [{ seed: Number.NaN }, /^RangeError: seed must be a whole number or a text, not NaN$/],
      [{ seed: '' }, /^RangeError: seed must be a whole number or a text, not ""$/],
      [{ seed: {} }, /^RangeError: seed must be a whole number or a text, not an object$/],
      [{ ties: 'random' }, /^RangeError: ties must be scheduled or shuffled, not "random"$/],
      [{ epochMs: 0.5 }, /^RangeError: epochMs must be a whole number /],
      [{ mostHosts: 0 }, /^RangeError: mostHosts must be a whole number of 1 to 65536, not 0$/],
      [{ mostEventsAtOneInstant: Number.NaN }, /^RangeError: mostEventsAtOneInstant must be a whole number/],
      [{ command: 5 }, /^TypeError: command must be a text, not 5$/],
      [7, /^TypeError: the options of a network must be an object, not 7$/],
    ];
    for (const [options, message] of networks) assert.throws(() => make(options), message);
    const hosts: readonly (readonly [options: unknown, message: RegExp])[] = [
      [{ adress: '10.0.0.9' }, /^TypeError: a host has no option adress; its options are address, /],
      [{ forwards: 1 }, /^TypeError: forwards must be true or false, not 1$/],
      [{ limits: { window: 5 } }, /^TypeError: limits has no option window; /],
      [{ limits: { sendBufferBytes: -1 } }, /^RangeError: limits\.sendBufferBytes must be a whole number/],
      [{ limits: { maxActiveTcp: 0 } }, /^RangeError: limits\.maxActiveTcp must be a whole number/],
      ['10.0.0.9', /^TypeError: the options of a host must be an object, not "10\.0\.0\.9"$/],
    ];
    for (const [options, message] of hosts) assert.throws(() => call(network, 'host', 'e', options), message);
    assert.throws(() => call(network, 'host', ''), /^TypeError: the name of a host must be a text, not ""$/);
    assert.throws(
      () => call(network, 'host', '10.0.0.9'),
      /^RangeError: the name of a host must be no address/,
    );
    assert.throws(() => call(network, 'host', 'a'), /^SimulationError: there is a host a already/);
    assert.throws(
      () => call(a, 'udp', { onData: () => undefined }),
      /^TypeError: a UDP socket has no option onData/,
    );
    assert.throws(
      () => call(a, 'udp', { port: 65_536 }),
      /^RangeError: port must be a whole number of 0 to 65535/,
    );
    assert.throws(
      () => call(a, 'udp', { onDatagram: 5 }),
      /^TypeError: onDatagram must be a function, not 5$/,
    );
    const socket = a.udp();
    for (const port of [65_536, 0.5, undefined]) {
      assert.throws(
        () => call(socket, 'send', 'x', '10.0.0.2', port),
        /^RangeError: port must be a whole number/,
      );
    }
    assert.throws(
      () => call(a, 'crash', { inflight: 'lost' }),
      /^TypeError: a crash has no option inflight; /,
    );
    assert.throws(
      () => call(a, 'crash', { inFlight: 'dies' }),
      /^RangeError: inFlight must be arrives or lost/,
    );
    assert.equal(a.isUp, true);
  });

  it('a NAT with the address of a host, which would answer its packets itself', () => {
    const own = new Network({ seed: 1 });
    const [inner, outer] = [own.host('inner'), own.host('outer', { address: '203.0.113.1/24' })];
    assert.throws(
      () => own.link(inner, outer, { nat: { address: '203.0.113.1' } }),
      /^RangeError: nat\.address must be an address of its own, not that of outer$/,
    );
    assert.equal(own.links.length, 0);
  });

  it('a link of a host with itself, and one more than a host can have', () => {
    assert.throws(() => network.link(a, a), /^RangeError: a link joins two hosts, not a and itself$/);
    const big = new Network({ seed: 1 });
    const hub = big.host('hub');
    const spoke = big.host('spoke');
    const other = big.host('other');
    for (let count = 0; count < MOST_INTERFACES - 1; count += 1)
      big.link(hub, count % 2 === 0 ? spoke : other);
    const refused = /^RangeError: hub has its 63 links already$/;
    assert.throws(() => big.link(spoke, hub), refused);
    assert.throws(() => big.lan('lan').join(hub), refused);
    assert.equal(big.links.length, MOST_INTERFACES - 1);
    hub.restart();
    assert.equal(hub.isUp, true);
  });

  it('a LAN with what it cannot have', () => {
    const lan = network.lan('one');
    assert.throws(() => call(network, 'lan', ''), /^TypeError: the name of a LAN must be a text/);
    assert.throws(
      () => call(lan, 'join', 'a'),
      /^TypeError: the hosts of the LAN one are hosts of its network$/,
    );
    assert.throws(() => call(lan, 'join', a, { nat: {} }), /^TypeError: a link of a LAN has no option nat$/);
    assert.throws(() => call(network, 'lan', 'two', { medium: 'ip', hosts: [a] }), /has no option medium$/);
    assert.throws(
      () => call(network, 'lan', 'three', { hosts: a }),
      /^TypeError: hosts must be a list, not an object$/,
    );
    assert.throws(
      () => call(network, 'lan', 'four', { delay: 5 }),
      /^TypeError: a LAN has no option delay; .*delayMs/,
    );
    assert.throws(
      () => call(network, 'lan', 'four', { forward: { loss: 2 } }),
      /^RangeError: loss must be a number/,
    );
    assert.throws(
      () => call(lan, 'join', a, { delay: 5 }),
      /^TypeError: a link of a LAN has no option delay; /,
    );
    assert.deepEqual(lan.hosts, []);
  });

  it('a job that is none, a time that is none, and a promise that is none', () => {
    assert.throws(() => call(network, 'at', 5), /^TypeError: job must be a function, not undefined$/);
    for (const ms of [Number.NaN, -1, '5', Number.POSITIVE_INFINITY]) {
      assert.throws(
        () => call(network, 'at', ms, () => undefined),
        /^RangeError: a time must be a number of at least 0/,
      );
      assert.throws(() => call(network, 'run', ms), /^RangeError: ms must be a number of at least 0, not /);
      assert.throws(
        () => call(network, 'runSync', ms),
        /^RangeError: ms must be a number of at least 0, not /,
      );
      const limit = { limitMs: ms };
      assert.throws(
        () => call(network, 'runUntil', Promise.resolve(), limit),
        /^RangeError: limitMs must be a number/,
      );
    }
    assert.throws(
      () => call(network, 'run', MOST_TIME_MS + 1),
      /^RangeError: ms must end by \d+ ms of virtual time, /,
    );
    const opens = (): Promise<void> => Promise.resolve();
    assert.throws(
      () => call(network, 'runUntil', opens),
      /^TypeError: promise must be a promise, not a function$/,
    );
    network.runSync(0);
  });

  it('groups of a partition that are none', () => {
    const lists = /^TypeError: a partition keeps two lists of hosts of its network apart, not /;
    assert.throws(() => call(network, 'partition', a, b), lists);
    assert.throws(() => call(network, 'partition', [a], ['b']), lists);
    assert.throws(() => call(network, 'partition', [a], [new Network().host('b')]), lists);
    assert.throws(() => network.partition([a, b], [b]), /^RangeError: b cannot be kept apart from itself$/);
  });

  it('a capture or a printer without something that takes what it writes', () => {
    assert.throws(
      () => call(network, 'capture', 'file.pcapng'),
      /^TypeError: sink must be a function or have a method write/,
    );
    assert.throws(() => call(network, 'print'), /^TypeError: write must be a function, not undefined$/);
  });

  it('a route that is none', () => {
    assert.throws(() => a.addRoute('10.0.0', b), /^TypeError: '10\.0\.0' is no IP address or prefix$/);
    assert.throws(() => call(a, 'addRoute', '0.0.0.0/0', 'b'), /^TypeError: a route leads through a host$/);
  });

  it('names, or hosts of another network, in the place of hosts', () => {
    assert.throws(() => call(network, 'link', 'a', 'b'), /^TypeError: a link joins two hosts of its network/);
    const other = new Network({ seed: 1 }).host('a');
    assert.throws(() => network.link(a, other), /^TypeError: a link joins two hosts of its network/);
  });

  it('an option of a run that there is not', () => {
    const wrong = /^TypeError: a run has no option limit; its options are limitMs$/;
    assert.throws(() => call(network, 'runUntil', Promise.resolve(), { limit: 5 }), wrong);
  });

  it('a run in a run, with what to do instead', async () => {
    network.at(network.nowMs, () => void network.run(1));
    await assert.rejects(network.run(1), /the network runs already: await the end .* calls network\.at\(\)/);
  });

  it('a program that uses the stack of a host from before a restart', async () => {
    const network = new Network({ seed: 1 });
    const [a, b] = [network.host('a'), network.host('b')];
    network.link(a, b);
    const { stack } = a;
    a.restart();
    const opening = AsyncClient.open('b', 80, { stack });
    await assert.rejects(network.runUntil(opening), /nothing is left .*\n {2}a: was restarted: /s);
    a.crash();
    await assert.rejects(network.runUntil(opening), /nothing is left .*\n {2}a: is down\n/s);
  });

  it('a promise that waits for a timer of the machine', async () => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, 60_000)));
    await assert.rejects(network.runUntil(late), /nothing is left .*installGlobals\(\).*live\(\)/s);
    clearTimeout(timer);
  });
});
