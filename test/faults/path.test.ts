/** The figures of a connection's path where the kernel knows fewer of them, or refuses to give them. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { AsyncClient, AsyncServer } from 'asynctcp';
import { startMonitor, type ConnectionFigures, type Monitor } from 'asynctcp/monitor';
import { HANGS_MS } from '../support/form.js';
import { injectingAddon, inject, unlessInjectingAddonLoads } from './injecting-addon.js';
import { Testbed } from './testbed.js';

/** Bytes of `struct tcp_info` in Linux 4.19, which ends before the peer's window. */
const OLD_TCP_INFO_BYTES = 192;
const ALWAYS = { times: 1_000_000 };

describe('the path of a connection', { skip: unlessInjectingAddonLoads(), timeout: HANGS_MS }, () => {
  let testbed: Testbed;
  let server: AsyncServer;
  let client: AsyncClient;
  let monitor: Monitor;

  before(async () => {
    testbed = new Testbed(injectingAddon());
    server = new AsyncServer('127.0.0.1', 0, { stack: testbed.stack });
    server.onClient((accepted) => {
      accepted.pause();
    });
    await server.begin();
    client = new AsyncClient({ stack: testbed.stack });
    client.connect('127.0.0.1', server.port());
    await testbed.until('it is connected', () => client.connected() && server.count() === 1);
    monitor = startMonitor({ clock: testbed.clock });
  });

  beforeEach(() => {
    testbed.addon.clearFaults();
  });

  after(async () => {
    monitor.end();
    client.abort();
    await server.end({ clients: 'abort' });
  });

  /** Returns the figures of the client after the sample of a second. */
  function sampled(): ConnectionFigures {
    testbed.clock.advance(1000);
    const found = monitor.snapshot().connections.find(({ direction }) => direction === 'out');
    assert.ok(found !== undefined);
    return found;
  }

  it('has all figures', () => {
    const { peerWindow, heardAgoMs, roundTripMs, retransmissions } = sampled();
    assert.ok(Number(peerWindow) > 0 && Number(heardAgoMs) >= 0);
    assert.equal(retransmissions, 0);
    assert.ok(roundTripMs === null || roundTripMs > 0);
  });

  it('lacks the window of an older kernel', () => {
    inject(testbed.addon, 'getsockopt', OLD_TCP_INFO_BYTES, ALWAYS);
    const { peerWindow, heardAgoMs, retransmissions } = sampled();
    assert.deepEqual([peerWindow, typeof heardAgoMs, retransmissions], [null, 'number', 0]);
  });

  it('is unknown if the kernel refuses it, and the connection goes on', () => {
    inject(testbed.addon, 'getsockopt', 'ENOMEM', ALWAYS);
    const { peerWindow, heardAgoMs, roundTripMs, retransmissions, state } = sampled();
    assert.deepEqual([peerWindow, heardAgoMs, roundTripMs, retransmissions], [null, null, null, null]);
    assert.equal(state, 'Established');
  });

  it('says nothing of data that waits if the kernel refuses that', async () => {
    client.write('waits');
    await testbed.until('it has arrived', () => client.unacknowledged() === 0);
    inject(testbed.addon, 'inq', 'EINVAL', ALWAYS);
    for (let second = 0; second < 5; second += 1) testbed.clock.advance(1000);
    assert.deepEqual(
      monitor.snapshot().connections.map(({ blocked }) => blocked),
      [null, null],
    );
    testbed.addon.clearFaults();
    for (let second = 0; second < 5; second += 1) testbed.clock.advance(1000);
    const incoming = monitor.snapshot().connections.find(({ direction }) => direction === 'in');
    assert.equal(incoming?.blocked, 'program does not read');
  });
});
