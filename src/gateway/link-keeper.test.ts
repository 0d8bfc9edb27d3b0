import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, it } from 'node:test';
import type { AsyncClient } from '../asynctcp/async-client.js';
import { AsyncServer } from '../asynctcp/async-server.js';
import { socketUsers } from '../asynctcp/thread-registry.js';
import { ErrorCode } from '../port/error-code.js';
import { MemoryStack } from '../stacks/memory/memory-stack.js';
import { LinkKeeper } from './link-keeper.js';
import type { LinkOptions } from './link-options.js';
import { linkReports } from './link-report.js';

const PORT = 7;
const HOST = '127.0.0.1';
/** Receive window of the server's clients, in bytes. */
const WINDOW = 1024;
const WITHOUT_JITTER = { firstMs: 100, factor: 2, capMs: 1000, jitter: 'none' } as const;

/** A link, its server and what the handlers of the link got. */
class Bed {
  readonly stack = new MemoryStack();
  readonly server = new AsyncServer(PORT, { stack: this.stack, receiveWindow: WINDOW });
  readonly link: LinkKeeper;
  readonly events: string[] = [];
  /** The server's clients, the oldest first. */
  readonly peers: AsyncClient[] = [];
  /** Links of tests that failed. */
  readonly #before = linkReports().length;

  constructor(options: LinkOptions = {}) {
    this.server.onClient((client) => {
      this.peers.push(client);
    });
    this.link = new LinkKeeper(HOST, PORT, { stack: this.stack, backoff: WITHOUT_JITTER, ...options });
    this.link.onUp(() => {
      this.events.push('up');
    });
    this.link.onDown(({ reason }) => {
      this.events.push(`down ${reason}`);
    });
    this.link.onRetry(({ reason }, delayMs) => {
      this.events.push(`retry ${delayMs} ${reason}`);
    });
    this.link.onGiveUp(({ reason }) => {
      this.events.push(`give up ${reason}`);
    });
  }

  /** Starts the link to a server that listens. */
  async start(): Promise<this> {
    await this.server.begin();
    this.link.start();
    await this.stack.settle();
    return this;
  }

  /** Takes the events since the last call. */
  take(): string[] {
    return this.events.splice(0);
  }

  /** The server's last client. */
  get peer(): AsyncClient {
    const peer = this.peers.at(-1);
    assert.ok(peer !== undefined, 'a client was accepted');
    return peer;
  }

  /** The link's client. */
  get client(): AsyncClient {
    assert.ok(this.link.client !== undefined, 'the link is up');
    return this.link.client;
  }

  /** Asserts that the link has left nothing behind. */
  async left(): Promise<void> {
    await this.server.end({ clients: 'abort' });
    await this.stack.settle();
    const nothing = { connections: 0, attempts: 0, listeners: 0, lingering: 0, timers: 0 };
    assert.deepEqual(this.stack.holdings(), nothing);
    assert.equal(socketUsers().filter(({ stack }) => stack === this.stack).length, 0);
    assert.equal(linkReports().length, this.#before);
  }
}

describe('LinkKeeper', () => {
  it('is up, and comes back after each end, with the reason', async () => {
    const bed = await new Bed().start();
    assert.deepEqual(bed.take(), ['up']);
    const ends: [(peer: AsyncClient) => unknown, string][] = [
      [(peer) => peer.close(), 'ended'],
      [(peer) => peer.abort(), 'ERR_RST'],
      [() => bed.client.close(), 'closed'],
      [() => bed.client.abort(), 'aborted'],
    ];
    for (const [end, reason] of ends) {
      await bed.stack.run(60_000);
      end(bed.peer);
      await bed.stack.settle();
      assert.equal(bed.link.client, undefined);
      assert.deepEqual(bed.take(), [`down ${reason}`, `retry 100 ${reason}`]);
      await bed.stack.run(100);
      assert.deepEqual(bed.take(), ['up']);
    }
    await bed.link.end();
    assert.deepEqual(bed.take(), ['down closed']);
    const { attempts, ups, losses } = bed.link.statistics();
    assert.deepEqual([attempts, ups, losses], [5, 5, 4]);
    await bed.left();
  });

  it('backs off up to the cap, and forgets the failures after a stable time alone', async () => {
    const bed = new Bed({ stableAfterMs: 5000 });
    bed.link.start();
    for (const delayMs of [100, 200, 400, 800, 1000, 1000]) {
      await bed.stack.settle();
      assert.deepEqual(bed.take(), [`retry ${delayMs} ERR_RST`]);
      assert.equal(bed.link.state, 'waiting');
      await bed.stack.run(delayMs - 1);
      assert.deepEqual(bed.take(), []);
      await bed.stack.run(1);
    }
    bed.take();
    await bed.server.begin();
    await bed.stack.run(1000);
    await bed.stack.run(4999);
    bed.peer.close();
    await bed.stack.settle();
    assert.deepEqual(bed.take(), ['up', 'down ended', 'retry 1000 ended']);
    await bed.stack.run(1000);
    await bed.stack.run(5000);
    bed.peer.close();
    await bed.stack.settle();
    assert.deepEqual(bed.take(), ['up', 'down ended', 'retry 100 ended']);
    await bed.link.end();
    await bed.left();
  });

  it('tries a server that accepts and closes at once ever more seldom', async () => {
    const bed = new Bed();
    bed.server.onClient((client) => {
      client.close();
    });
    await bed.start();
    await bed.stack.run(60_000);
    // 100 + 200 + 400 + 800 ms, then one in each second.
    const ups = bed.take().filter((event) => event === 'up').length;
    assert.ok(ups >= 60 && ups <= 64, `${ups} times`);
    await bed.link.end();
    await bed.left();
  });

  it('gives up after that many failures in a row, and can start anew', async () => {
    const bed = new Bed({ giveUpAfter: 3 });
    bed.link.start();
    await bed.stack.run(10_000);
    const gaveUp = ['retry 100 ERR_RST', 'retry 200 ERR_RST', 'give up ERR_RST'];
    assert.deepEqual(bed.take(), gaveUp);
    assert.equal(bed.link.state, 'ended');
    assert.equal(linkReports().at(-1)?.lastFailure?.reason, 'ERR_RST');
    await bed.server.begin();
    bed.link.start();
    await bed.stack.settle();
    assert.deepEqual(bed.take(), ['up']);
    await bed.link.end();
    await bed.left();
  });

  it('ends without onGiveUp if onDown ends it', async () => {
    const bed = await new Bed({ giveUpAfter: 1 }).start();
    bed.link.onDown(({ reason }) => {
      bed.events.push(`down ${reason}`);
      void bed.link.end();
    });
    bed.peer.close();
    await bed.stack.settle();
    assert.deepEqual(bed.take(), ['up', 'down ended']);
    await bed.left();
  });

  it('counts an onUp that throws or rejects as a failure, and catches its error', async () => {
    const bed = new Bed();
    const reason = new Error('refused');
    let calls = 0;
    bed.link.onUp(() => {
      calls += 1;
      if (calls === 1) throw reason;
      return Promise.reject(reason);
    });
    bed.link.onDown((failure) => {
      bed.events.push(`down ${failure.reason}: ${failure.text}`);
      assert.equal(failure.error, reason);
    });
    await bed.start();
    assert.deepEqual(bed.take(), ['down handler: refused', 'retry 100 handler']);
    await bed.stack.run(100);
    assert.deepEqual(bed.take(), ['down handler: refused', 'retry 200 handler']);
    await bed.link.end();
    await bed.left();
  });

  it('ignores an onUp that rejects because the connection is lost', async () => {
    const bed = new Bed();
    bed.link.onUp((client) => {
      return new Promise((_, reject) => {
        client.onDisconnect(() => {
          reject(new Error('lost'));
        });
      });
    });
    await bed.start();
    bed.peer.abort();
    await bed.stack.settle();
    assert.deepEqual(bed.take(), ['down ERR_RST', 'retry 100 ERR_RST']);
    await bed.link.end();
    await bed.left();
  });

  it('counts a name that is not found, and an attempt without an answer', async () => {
    const stack = new MemoryStack();
    const named = new LinkKeeper('nowhere', PORT, { stack });
    const silent = new LinkKeeper(HOST, PORT, { stack, connectTimeoutMs: 3000 });
    stack.cut({ port: PORT });
    named.start();
    silent.start();
    await stack.run(2999);
    assert.equal(silent.report().lastFailure, undefined);
    await stack.run(1);
    assert.equal(silent.report().lastFailure?.reason, 'connectTimeout');
    assert.equal(silent.report().lastFailure?.text, 'no connection within 3000 ms');
    assert.equal(named.report().lastFailure?.reason, 'ERR_DNS');
    await Promise.all([named.end(), silent.end()]);
    assert.equal(stack.holdings().timers, 0);
  });

  it('reports its state, its times and its last failure', async () => {
    const bed = new Bed({ name: 'upstream' });
    const { clock } = bed.stack;
    const startMs = clock.nowMs();
    bed.link.start();
    assert.equal(linkReports().at(-1)?.state, 'connecting');
    await bed.stack.settle();
    const { lastFailure, ...report } = bed.link.report();
    assert.deepEqual(report, {
      name: 'upstream',
      host: HOST,
      port: PORT,
      state: 'waiting',
      sinceMs: startMs,
      retryAtMs: startMs + 100,
      attempts: 1,
      ups: 0,
      losses: 0,
    });
    assert.equal(lastFailure?.reason, 'ERR_RST');
    assert.equal(lastFailure.atMs, startMs);
    await bed.server.begin();
    await bed.stack.run(100);
    await bed.stack.run(900);
    bed.client.write('12345');
    await bed.stack.settle();
    assert.equal(bed.link.statistics().upMs, 900);
    assert.equal(bed.link.statistics().bytesOut, 5);
    assert.deepEqual([bed.link.state, bed.link.report().sinceMs], ['up', startMs + 100]);
    await bed.link.end();
    assert.deepEqual([bed.link.statistics().upMs, bed.link.statistics().bytesOut], [900, 5]);
    await bed.left();
  });
});

describe('a link whose peer is gone', () => {
  it('notices it within ackTimeoutMs while bytes are in flight', async () => {
    const bed = await new Bed({ ackTimeoutMs: 4000, keepAlive: { ms: 0 } }).start();
    await bed.stack.run(100_300);
    bed.take();
    const heal = bed.stack.cut({ port: PORT });
    bed.client.write('anybody?');
    await bed.stack.run(3499);
    assert.deepEqual(bed.take(), []);
    await bed.stack.run(501);
    assert.deepEqual(bed.take().slice(0, 2), ['down ackTimeout', 'retry 100 ackTimeout']);
    assert.match(bed.link.report().lastFailure?.text ?? '', /^none of 8 bytes .* silent$/);
    heal();
    await bed.link.end();
    await bed.left();
  });

  it('notices it by keep-alive while nothing is in flight', async () => {
    const bed = await new Bed({ keepAlive: { ms: 2000, count: 3 } }).start();
    const heal = bed.stack.cut({ port: PORT });
    await bed.stack.run(7999);
    assert.deepEqual(bed.take(), ['up']);
    await bed.stack.run(1);
    assert.deepEqual(bed.take().slice(0, 1), ['down ERR_TIMEOUT']);
    heal();
    await bed.link.end();
    await bed.left();
  });

  it('notices it by rxTimeoutS, and does not wait for the close', async () => {
    const bed = await new Bed({ rxTimeoutS: 5, ackTimeoutMs: 0, keepAlive: { ms: 0 } }).start();
    const heal = bed.stack.cut({ port: PORT });
    bed.client.write('anybody?');
    await bed.stack.run(5000);
    assert.deepEqual(bed.take().slice(0, 3), ['up', 'down rxTimeout', 'retry 100 rxTimeout']);
    assert.equal(bed.link.report().lastFailure?.text, 'nothing came from the peer for 5 s');
    heal();
    await bed.link.end();
    await bed.left();
  });

  it('keeps a slow peer, and drops one that reads nothing within stalledWriteMs', async () => {
    const bed = new Bed({ ackTimeoutMs: 2000, stalledWriteMs: 8000 });
    bed.server.onClient((client) => {
      bed.peers.push(client);
      client.onData((_, data) => {
        client.ackLater();
        bed.events.push(`data ${data.length}`);
      });
    });
    await bed.start();
    const { client, stack } = bed;
    while (client.canSend()) client.write(new Uint8Array(Math.min(client.space(), 10_000)));
    await stack.settle();
    bed.take();
    for (let count = 0; count < 20; count += 1) {
      await stack.run(6500);
      assert.ok(bed.peer.ack(100) > 0);
      await stack.settle();
    }
    assert.equal(bed.link.state, 'up');
    await stack.run(6999);
    assert.equal(bed.link.state, 'up');
    await stack.run(1001);
    assert.equal(bed.link.report().lastFailure?.reason, 'stalledWrite');
    assert.match(bed.link.report().lastFailure?.text ?? '', /the peer does not read$/);
    await bed.link.end();
    await bed.left();
  });

  it('does not count bytes that were added and never sent', async () => {
    const bed = await new Bed({ ackTimeoutMs: 1000, stalledWriteMs: 1000 }).start();
    bed.client.add('later');
    await bed.stack.run(10_000);
    assert.equal(bed.link.state, 'up');
    await bed.link.end();
    await bed.left();
  });

  it('leaves all handlers of the client to the program', async () => {
    const bed = new Bed({ ackTimeoutMs: 4000 });
    bed.link.onUp((client) => {
      client.onConnect(() => bed.events.push('connect'));
      client.onTimeout((_, timeMs) => bed.events.push(`timeout ${timeMs}`));
      client.onError((_, code) => bed.events.push(`error ${code}`));
      client.onDisconnect((_, reason) => bed.events.push(`disconnect ${reason}`));
      client.setAckTimeout(3000);
    });
    await bed.start();
    const heal = bed.stack.cut({ port: PORT });
    bed.client.write('anybody?');
    await bed.stack.run(4000);
    const down = [`error ${ErrorCode.ERR_ABRT}`, 'disconnect aborted', 'down ackTimeout'];
    assert.deepEqual(
      bed.take().filter((event) => !event.startsWith('retry')),
      ['timeout 3000', 'timeout 3500', 'timeout 4000', ...down],
    );
    heal();
    await bed.link.end();
    await bed.left();
  });
});

describe('the end of a link', () => {
  for (const state of ['ended', 'connecting', 'waiting', 'up'] as const) {
    for (const way of ['close', 'drain', 'abort', 'leave', 'signal'] as const) {
      it(`leaves nothing: ${way} while ${state}`, async () => {
        const controller = new AbortController();
        const bed = new Bed({ signal: controller.signal });
        if (state === 'up') await bed.server.begin();
        if (state !== 'ended') bed.link.start();
        if (state === 'waiting' || state === 'up') await bed.stack.settle();
        assert.equal(bed.link.state, state);
        const client = bed.link.client;
        bed.take();
        let ended: Promise<void> | undefined;
        if (way === 'signal') controller.abort();
        else ended = bed.link.end({ client: way });
        assert.deepEqual(bed.take(), [], 'no callback before the method returns');
        bed.peers[0]?.close();
        await ended;
        await bed.stack.settle();
        assert.equal(bed.link.state, 'ended');
        const reason = way === 'signal' || way === 'abort' ? 'aborted' : 'closed';
        assert.deepEqual(bed.take(), state === 'up' && way !== 'leave' ? [`down ${reason}`] : []);
        await bed.stack.run(60_000);
        assert.equal(bed.link.report().attempts, state === 'ended' ? 0 : 1);
        assert.equal(getEventListeners(controller.signal, 'abort').length, 0, 'listeners of the signal');
        if (way === 'leave') client?.abort();
        await bed.left();
      });
    }
  }

  it("with leave: the client is the program's own from then on, and may connect again", async () => {
    const bed = await new Bed().start();
    const { client } = bed;
    await bed.link.end({ client: 'leave' });
    client.onDisconnect(() => {
      client.onDisconnect(undefined);
      client.connect(HOST, PORT);
    });
    bed.peer.close();
    await bed.stack.settle();
    assert.deepEqual([client.connected(), bed.peers.length], [true, 2]);
    assert.deepEqual([bed.take(), bed.link.state, bed.link.statistics().ups], [['up'], 'ended', 1]);
    client.abort();
    await bed.left();
  });

  it('resets a client that takes longer than withinMs', async () => {
    const bed = await new Bed({ ackTimeoutMs: 0 }).start();
    const heal = bed.stack.cut({ port: PORT });
    bed.client.write('anybody?');
    let isOver = false;
    const ended = bed.link.end({ withinMs: 500 }).then(() => (isOver = true));
    await bed.stack.run(499);
    assert.equal(isOver, false);
    await bed.stack.run(1);
    await ended;
    heal();
    await bed.left();
  });

  it('keeps an end that an onDown calls after it has started the link anew', async () => {
    const bed = await new Bed().start();
    let isOver = false;
    bed.link.onDown(() => {
      bed.link.onDown(undefined);
      bed.link.start();
      void bed.link.end().then(() => {
        isOver = true;
        assert.equal(bed.link.state, 'ended');
      });
    });
    await bed.link.end();
    await bed.stack.run(60_000);
    assert.deepEqual([isOver, bed.link.state, bed.link.report().attempts], [true, 'ended', 2]);
    assert.deepEqual(bed.take(), ['up']);
    await bed.left();
  });

  it('resolves every end, also of a link that is left while it ends', async () => {
    const bed = await new Bed().start();
    const { client } = bed;
    const ended = bed.link.end({ client: 'drain' });
    await bed.link.end({ client: 'leave' });
    await ended;
    assert.equal(bed.link.state, 'ended');
    client.abort();
    await bed.left();
  });

  it('does nothing at start with a signal that is aborted', async () => {
    const bed = new Bed({ signal: AbortSignal.abort() });
    bed.link.start();
    await bed.stack.settle();
    assert.deepEqual([bed.link.state, bed.link.report().attempts], ['ended', 0]);
    await bed.left();
  });

  it('comes with the end of a block', async () => {
    const bed = new Bed();
    await bed.server.begin();
    await bed.link[Symbol.asyncDispose]();
    await bed.start().catch(() => undefined);
    await bed.link[Symbol.asyncDispose]();
    await bed.left();
  });
});

describe('the arguments of a link', () => {
  const stack = new MemoryStack();
  const WRONG: [options: object, message: RegExp][] = [
    [{ name: '' }, /^name must have 1 to 100 characters, not 0$/],
    [{ name: 'x'.repeat(101) }, /^name must have 1 to 100 characters, not 101$/],
    [{ connectTimeoutMs: 0 }, /^connectTimeoutMs must be a number from 1 to 86400000 ms, not 0$/],
    [{ rxTimeoutS: -1 }, /^rxTimeoutS must be a number from 0 to 86400 s, not -1$/],
    [{ ackTimeoutMs: Number.NaN }, /^ackTimeoutMs must be a number from 1000 to 86400000 ms, or 0, not NaN$/],
    [{ ackTimeoutMs: 999 }, /^ackTimeoutMs must be a number from 1000 to 86400000 ms, or 0, not 999$/],
    [{ stalledWriteMs: '1' }, /^stalledWriteMs must be a number from 0 to 86400000 ms, not "1"$/],
    [{ keepAlive: { ms: 1.5 } }, /^keepAlive.ms must be an integer/],
    [{ noDelay: 1 }, /^noDelay must be true or false, not 1$/],
    [{ backoff: 5 }, /^backoff must be an object, not 5$/],
    [{ backoff: { firstMs: 0 } }, /^backoff.firstMs must be a number from 1 to 86400000 ms, not 0$/],
    [{ backoff: { factor: 0.5 } }, /^backoff.factor must be a number from 1 to 100, not 0.5$/],
    [
      { backoff: { firstMs: 50, capMs: 49 } },
      /^backoff.capMs must be a number from 50 to 86400000 ms, not 49$/,
    ],
    [{ backoff: { jitter: 'equal' } }, /^backoff.jitter must be one of full, none, not "equal"$/],
    [{ stableAfterMs: -1 }, /^stableAfterMs must be a number from 0/],
    [{ giveUpAfter: 0 }, /^giveUpAfter must be an integer from 1/],
    [{ random: 0.5 }, /^random must be given a function or undefined, not 0.5$/],
    [{ signal: {} }, /^signal must be an AbortSignal/],
    [{ stack: 'other' }, /^stack must be one of/],
    [{ localAddress: '::1' }, /^host, localAddress and family must be of one family/],
    [{ family: 6 }, /^host, localAddress and family must be of one family/],
    [{ localPort: 65_536 }, /^localPort must be an integer/],
    [{ receiveWindow: 1 }, /^receiveWindow must be an integer/],
  ];
  for (const [options, message] of WRONG) {
    it(`are checked at once: ${JSON.stringify(options)}`, () => {
      assert.throws(() => new LinkKeeper(HOST, PORT, { stack, ...options }), { message });
    });
  }

  it('are checked at once: host, port, handlers, the options of end', async () => {
    assert.throws(() => new LinkKeeper('no host', PORT), /^RangeError: host must be a host name/);
    assert.throws(
      () => new LinkKeeper(HOST, 0),
      /^RangeError: port must be an integer from 1 to 65535, not 0$/,
    );
    const link = new LinkKeeper(HOST, PORT, { stack });
    assert.throws(() => link.end({ withinMs: -1 }), /withinMs must be a number/);
    assert.throws(() => link.end({ client: 'kill' as 'abort' }), /client must be one of close, drain/);
    for (const setter of ['onUp', 'onDown', 'onRetry', 'onGiveUp'] as const) {
      assert.throws(() => link[setter](5 as unknown as undefined), new RegExp(`^TypeError: ${setter} must`));
      link[setter](undefined);
    }
    await link.end();
  });
});
