/** What a host does whose connections are used up (netstack.md: exhaustion; lwIP's tcp_alloc). */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PROFILES, type Profile, type ProfileName } from '#src/netstack/profile.js';
import type { Target } from './malformed/mutator.js';
import { Victim } from './malformed/victim.js';

const SEED = 1;
/** What an ESP32 has: the listener counts. */
const CONNECTIONS = 15;

function hostWith(
  connections: number,
  profile: Profile | ProfileName,
): { victim: Victim; targets: Target[] } {
  const victim = new Victim(typeof profile === 'string' ? PROFILES[profile] : profile, SEED);
  const targets = Array.from({ length: connections }, () => victim.connect());
  return { victim, targets };
}

describe('esp32: sixteen connections, listeners among them', () => {
  it('drops a SYN without a word when all are established', () => {
    const { victim } = hostWith(CONNECTIONS, 'esp32');
    assert.equal(victim.tryConnect(), undefined);
    assert.equal(victim.sent.length, 0);
  });

  it('refuses the program another connection', () => {
    const { victim } = hostWith(CONNECTIONS, 'esp32');
    assert.equal(victim.open(), 'noMemory');
  });

  it('has room again for each that ends', () => {
    const { victim } = hostWith(CONNECTIONS, 'esp32');
    victim.act(() => victim.sockets[3]?.abort());
    assert.notEqual(victim.tryConnect(), undefined);
    assert.equal(victim.tryConnect(), undefined);
  });

  it('gives up the connection that waits longest in TIME_WAIT', () => {
    const { victim, targets } = hostWith(CONNECTIONS, 'esp32');
    for (const index of [0, 1]) {
      const target = targets[index];
      assert.ok(target !== undefined);
      victim.act(() => victim.sockets[index]?.close());
      victim.send(target, 'F.', { ack: target.ack + 1 });
      victim.run(1000);
    }
    assert.notEqual(victim.tryConnect(), undefined);
    assert.notEqual(victim.tryConnect(), undefined);
    assert.equal(victim.tryConnect(), undefined);
  });

  it('gives up a connection whose program has closed it', () => {
    const { victim, targets } = hostWith(CONNECTIONS, 'esp32');
    const [first] = targets;
    assert.ok(first !== undefined);
    victim.act(() => victim.sockets[0]?.close());
    victim.send(first, '.', { ack: first.ack + 1 });
    assert.notEqual(victim.tryConnect(), undefined);
    assert.equal(victim.tryConnect(), undefined);
  });
});

describe('other counts', () => {
  it('lwip: listeners do not count', () => {
    const { victim } = hostWith(PROFILES.lwip.tcp.maxConnections ?? 0, 'lwip');
    assert.equal(victim.tryConnect(), undefined);
  });

  it('heap: nothing counts', () => {
    const { tcp } = PROFILES.esp32;
    const { victim } = hostWith(100, { ...PROFILES.esp32, tcp: { ...tcp, exhaustion: 'heap' } });
    assert.notEqual(victim.tryConnect(), undefined);
  });

  it('linux: a thousand connections are no matter', () => {
    const { victim } = hostWith(1000, 'linux');
    assert.equal(victim.sockets.length, 1000);
  });
});
