/**
 * Without descriptors or memory for a while (contract M2): the established connections continue, a new one
 * gets its error, and accepting resumes by itself.
 */
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, afterEach, before, beforeEach, describe, it, mock } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { AsyncClient, ErrorCode } from 'asynctcp';
import { ARENA_BYTES } from '#src/addon/native-sockets.js';
import { KernelStack } from '#src/stacks/kernel/kernel-stack.js';
import { HANGS_MS } from '../support/form.js';
import { EchoServer } from './echo-server.js';
import {
  injectingAddon,
  inject,
  unlessInjectingAddonLoads,
  type Injection,
  type SystemCall,
} from './injecting-addon.js';
import { Life, stream } from './life.js';
import { Testbed } from './testbed.js';

const skip = unlessInjectingAddonLoads();
const ALWAYS = 1_000_000;
const MESSAGE = 100;
const BEGINNINGS = 100;

class Peer {
  readonly socket: Socket;
  bytes = 0;
  outcome: 'connected' | 'reset' | 'ended' | undefined;

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    this.socket.on('connect', () => (this.outcome = 'connected'));
    this.socket.on('error', () => (this.outcome = 'reset'));
    this.socket.on('end', () => (this.outcome = 'ended'));
    this.socket.on('data', (piece) => (this.bytes += piece.length));
  }
}

describe('starvation', { skip, timeout: HANGS_MS }, () => {
  let testbed: Testbed;
  let holdings: string;
  let echo: EchoServer;
  let running: Life;
  const lives: Life[] = [];
  const peers: Peer[] = [];

  before(() => {
    mock.method(console, 'warn', () => undefined);
    testbed = new Testbed(injectingAddon());
    process.setUncaughtExceptionCaptureCallback((error) => {
      testbed.report(error.stack ?? String(error));
    });
  });

  after(() => {
    process.setUncaughtExceptionCaptureCallback(null);
    mock.restoreAll();
  });

  beforeEach(async () => {
    holdings = testbed.holdings();
    echo = new EchoServer(testbed.stack, testbed.report);
    await echo.server.begin();
    running = newLife('running');
    await testbed.until('it is connected', () => running.stands && echo.lives.length === 1);
    await exchange();
    testbed.addon.clearFaults();
  });

  afterEach(async () => {
    testbed.addon.clearFaults();
    await echo.server.end();
    for (const { socket } of peers.splice(0)) socket.destroy();
    for (const life of [...lives.splice(0), ...echo.lives]) life.client.close();
    assert.equal(await testbed.holds(() => testbed.holdings() === holdings), true, testbed.holdings());
    assert.deepEqual(testbed.violations.splice(0), []);
  });

  function newLife(name: string): Life {
    const life = new Life(name, new AsyncClient({ stack: testbed.stack }), testbed.report);
    lives.push(life);
    life.onFin = () => life.client.close();
    life.connect(echo.server.port());
    return life;
  }

  function newPeer(): Peer {
    const peer = new Peer(echo.server.port());
    peers.push(peer);
    return peer;
  }

  /** Checks that the established connection continues. */
  async function exchange(): Promise<void> {
    running.writeUpTo(running.sent + MESSAGE);
    await testbed.until('the echo comes', () => running.received === running.sent);
  }

  function always(call: SystemCall, injection: Injection): void {
    inject(testbed.addon, call, injection, { times: ALWAYS });
  }

  async function expectAccepted(): Promise<void> {
    const lived = echo.lives.length;
    const peer = newPeer();
    await testbed.until('the next one is accepted', () => echo.lives.length > lived);
    peer.socket.write(stream(0, MESSAGE));
    await testbed.until('it is served', () => peer.bytes === MESSAGE);
  }

  for (const injection of ['EMFILE', 'ENFILE'] as const) {
    it(`of descriptors (${injection}) refuses new connections, and ends no established one`, async () => {
      always('accept4', injection);
      always('socket', injection);
      const peer = newPeer();
      const client = newLife('new');
      // All calls of `accept4` fail, also the one with the reserve descriptor: the peer waits.
      await testbed.until('the new client has its error', () => client.isOver);
      assert.equal(client.error, ErrorCode.ERR_MEM);
      await exchange();
      testbed.addon.clearFaults();
      await testbed.until('the waiting peer is accepted', () => echo.lives.length === 2);
      peer.socket.write(stream(0, MESSAGE));
      await testbed.until('it is served', () => peer.bytes === MESSAGE);
      await expectAccepted();
    });

    it(`of descriptors (${injection}) for one call: its peer is reset, the next one is accepted`, async () => {
      inject(testbed.addon, 'accept4', injection);
      const peer = newPeer();
      await testbed.until('it is reset', () => peer.outcome === 'reset');
      await exchange();
      await expectAccepted();
    });
  }

  it('without a reserve lets the peer wait until there is a descriptor', async () => {
    always('open_null', 'EMFILE');
    inject(testbed.addon, 'accept4', 'EMFILE');
    const first = newPeer();
    await testbed.until('the reserve is used up', () => first.outcome === 'reset');
    testbed.addon.clearFaults();
    always('open_null', 'EMFILE');
    inject(testbed.addon, 'accept4', 'EMFILE');
    await expectAccepted();
    await exchange();
  });

  for (const injection of ['ENOMEM', 'ENOBUFS'] as const) {
    it(`of memory (${injection}) in accepting: the peer waits`, async () => {
      inject(testbed.addon, 'accept4', injection, { times: 3 });
      await expectAccepted();
    });

    for (const call of ['recv', 'send'] as const) {
      it(`of memory (${injection}) in ${call}: every connection continues`, async () => {
        inject(testbed.addon, call, injection, { times: 9 });
        for (let count = 0; count < 5; count += 1) await exchange();
        assert.equal(testbed.addon.calls(call) > 9, true);
      });
    }
  }

  for (const call of ['epoll_ctl', 'getpeername'] as const) {
    it(`a connection whose ${call} fails is reset, not ended, and the next one is accepted`, async () => {
      inject(testbed.addon, call, 'ENOMEM');
      const peer = newPeer();
      await testbed.until('it is over', () => peer.outcome === 'reset' || peer.outcome === 'ended');
      assert.equal(peer.outcome, 'reset');
      await expectAccepted();
    });
  }

  it('at the beginning is an error, and a later beginning works', () => {
    const addon = { ...testbed.addon };
    inject(testbed.addon, 'epoll_create1', 'EMFILE');
    assert.throws(() => new KernelStack(addon), { code: 'EMFILE' });
    // A stack without the reserve descriptor starts, too.
    inject(testbed.addon, 'open_null', 'EMFILE');
    assert.equal(new KernelStack(addon).loop.sockets, 0);
  });

  it('at the beginning keeps no memory, however often it is tried', async () => {
    setFlagsFromString('--expose-gc');
    const collect: unknown = runInNewContext('gc');
    assert.ok(typeof collect === 'function');
    const buffers = (): number => {
      Reflect.apply(collect, undefined, []);
      return process.memoryUsage().arrayBuffers;
    };
    const before = buffers();
    always('epoll_create1', 'EMFILE');
    for (let tries = 0; tries < BEGINNINGS; tries += 1) {
      assert.throws(() => testbed.addon.openSockets(() => false, false), { code: 'EMFILE' });
    }
    const most = before + 10 * ARENA_BYTES;
    await testbed.until('the memory of all is free', () => buffers() < most);
  });
});
