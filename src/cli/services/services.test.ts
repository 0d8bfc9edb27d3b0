/** The services on a stack with narrow buffers, where `write` takes a part and the window closes early. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AsyncClient, AsyncServer, nodeStack, TcpState } from '../../index.js';
import { CHARGEN_PATTERN, chargen } from './chargen.js';
import { daytime } from './daytime.js';
import { discard } from './discard.js';
import { echo } from './echo.js';
import type { Service, Traffic } from './service.js';

const HANGS_MS = 60_000;
/** An echo that the kernel takes needs fewer turns of the event loop. */
const STUCK_TURNS = 200;

interface Served {
  readonly port: number;
  readonly traffic: Traffic;
  readonly accepted: readonly AsyncClient[];
}

async function begin(test: TestContext, service: Service, sendBufferBytes: number): Promise<Served> {
  const stack = nodeStack({ sendBufferBytes, receiveWindowBytes: 50_000 });
  const server = new AsyncServer('127.0.0.1', 0, { stack });
  const traffic = { bytesIn: 0, bytesOut: 0 };
  const accepted: AsyncClient[] = [];
  server.onClient((client) => {
    accepted.push(client);
    test.after(() => client.abort());
    service.serve(client, traffic);
  });
  await server.begin();
  test.after(() => server.end());
  return { port: server.port(), traffic, accepted };
}

/** Connects, sends all of `data` and FIN, and answers with what came back when the service has ended. */
async function exchange(port: number, data: Uint8Array): Promise<Buffer> {
  const client = await AsyncClient.open('127.0.0.1', port);
  const pieces: Uint8Array[] = [];
  let sent = 0;
  const sendOn = (): void => {
    if (sent < data.length) sent += client.write(data.subarray(sent));
    if (sent === data.length) client.shutdown();
  };
  client.setAllowHalfOpen(true);
  client.onAck(sendOn);
  client.onData((_, piece) => pieces.push(piece));
  client.onEnd(() => {
    client.close();
  });
  const over = new Promise<void>((resolve, reject) => {
    client.onError((_, code) => {
      reject(new Error(AsyncClient.errorToString(code)));
    });
    client.onDisconnect(() => {
      resolve();
    });
  });
  sendOn();
  await over;
  return Buffer.concat(pieces);
}

function someBytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 255);
}

describe('the services', { timeout: HANGS_MS }, () => {
  it('echo: what write takes only in parts comes back whole, and before our FIN', async (test) => {
    const { port, traffic } = await begin(test, echo, 1000);
    const data = someBytes(3_000_000);
    assert.deepEqual(await exchange(port, data), Buffer.from(data));
    assert.deepEqual(traffic, { bytesIn: data.length, bytesOut: data.length });
  });

  it('echo: what is in hand when the peer ends its side still goes back', async (test) => {
    const { port, traffic, accepted } = await begin(test, echo, 1000);
    const client = await AsyncClient.open('127.0.0.1', port);
    test.after(() => client.abort());
    let received = 0;
    let isReading = false;
    client.setAllowHalfOpen(true);
    client.onData((_, data) => {
      received += data.length;
      if (!isReading) client.ackLater();
    });
    // Until the kernel takes no more of the echo for many turns; each piece fits into the receive window.
    let sent = 0;
    let stuckTurns = 0;
    while (stuckTurns < STUCK_TURNS) {
      sent += client.write(new Uint8Array(20_000));
      while (traffic.bytesIn < sent) await nextTurn();
      for (stuckTurns = 0; stuckTurns < STUCK_TURNS && traffic.bytesOut < sent; stuckTurns += 1)
        await nextTurn();
    }
    client.shutdown();
    while (accepted[0]?.state() === TcpState.ESTABLISHED) await nextTurn();
    assert.ok(traffic.bytesOut < traffic.bytesIn && received < sent, 'a part is in hand');

    const over = new Promise<void>((resolve) => {
      client.onEnd(() => {
        client.close();
      });
      client.onDisconnect(() => {
        resolve();
      });
    });
    isReading = true;
    client.ack(received);
    await over;
    assert.equal(received, sent);
  });

  it('echo: a peer that sends nothing and ends gets an end', async (test) => {
    const { port } = await begin(test, echo, 1000);
    assert.equal((await exchange(port, new Uint8Array(0))).length, 0);
  });

  it('discard: takes all and answers nothing', async (test) => {
    const { port, traffic } = await begin(test, discard, 1000);
    assert.equal((await exchange(port, someBytes(1_000_000))).length, 0);
    assert.deepEqual(traffic, { bytesIn: 1_000_000, bytesOut: 0 });
  });

  it('daytime: one line that is the time, whatever the peer sends', async (test) => {
    const { port } = await begin(test, daytime, 1000);
    const answer = (await exchange(port, someBytes(10))).toString();
    assert.match(answer, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d\d:\d\d\r\n$/);
    const distanceMs = Math.abs(Date.parse(answer) - Date.now());
    assert.ok(distanceMs < 2 * HANGS_MS, `${answer.trim()} is now`);
  });

  it('chargen: lines of 72 characters in the ring of 95, without a break where the pattern ends', async (test) => {
    const { port, traffic } = await begin(test, chargen, 1000);
    const client = await AsyncClient.open('127.0.0.1', port);
    let received = Buffer.alloc(0);
    await new Promise<void>((resolve) => {
      client.onData((_, data) => {
        received = Buffer.concat([received, data]);
        if (received.length > 4 * CHARGEN_PATTERN.length) client.close();
      });
      client.onDisconnect(() => {
        resolve();
      });
    });
    const lines = received.toString('latin1').split('\r\n').slice(0, -1);
    lines.forEach((line, index) => {
      const expected = Array.from({ length: 72 }, (_, column) => 0x20 + ((index + column) % 95));
      assert.equal(line, String.fromCharCode(...expected));
    });
    assert.ok(lines.length > 3 * 95 && traffic.bytesOut >= received.length);
  });

  it('chargen: a reader that stops takes no more than one send buffer and the kernel’s', async (test) => {
    const { port, traffic } = await begin(test, chargen, 100_000);
    const client = await AsyncClient.open('127.0.0.1', port);
    test.after(() => client.abort());
    client.onData(() => {
      client.ackLater();
    });
    // onPoll gives the generator a chance to send more than it may.
    let before = -1;
    let polls = 0;
    await new Promise<void>((resolve) => {
      client.onPoll(() => {
        polls = traffic.bytesOut === before ? polls + 1 : 0;
        before = traffic.bytesOut;
        if (polls === 3) resolve();
      });
    });
    assert.ok(before > 0 && before < 64_000_000, `${before} bytes sent to a reader that does not read`);
  });
});
