/** A pipe under volume, on each stack: every byte arrives, both ways, and memory stays within the windows. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AsyncClient, AsyncServer, memoryStack, type TcpStack } from 'asynctcp';
import { pipe, type PipeResult } from 'asynctcp/gateway';
import { loadAddon } from '#src/addon/load-addon.js';
import { memoryBytes } from '../support/process-memory.js';
import { Random } from '../support/random.js';
import { heldBy, STACKS } from '../support/stacks.js';
import { until } from '../support/until.js';
import { HANGS_MS } from './programs/inline.js';

const HOST = '127.0.0.1';
const MIB = 2 ** 20;
/** MiB that a pipe carries forth on each stack; a quarter as much goes back. */
const FORTH_MIB: Readonly<Record<string, number>> = { memory: 256, node: 256, kernel: 1024 };
/** Prime, so that lost or repeated bytes change everything that follows. */
const BLOCK_BYTES = 1_000_003;
const block = new Random(7).bytes(BLOCK_BYTES);
/**
 * By which the process may grow, all four ends in it: less than what is carried, and more than what a
 * collector leaves lying (Node 24: 110 MiB with the stack in memory).
 */
const GROWTH_BYTES = 192 * MIB;

/** Sends `bytes` bytes of the block again and again, then FIN. */
function send(client: AsyncClient, bytes: number): void {
  let sent = 0;
  const pump = (): void => {
    while (sent < bytes && client.canSend()) {
      const at = sent % BLOCK_BYTES;
      const most = Math.min(BLOCK_BYTES - at, bytes - sent, 65_536);
      sent += client.write(block.subarray(at, at + most));
    }
    if (sent === bytes) client.shutdown();
  };
  client.onAck(pump);
  pump();
}

/** Compares what a client receives, which it now and then does not read for a moment. */
class Receiver {
  bytes = 0;
  isSame = true;
  isEnded = false;
  pauses = 0;

  constructor(client: AsyncClient, random: Random) {
    client.onEnd(() => (this.isEnded = true));
    client.onData(
      (_, data) => {
        for (let done = 0; done < data.length;) {
          const at = this.bytes % BLOCK_BYTES;
          const part = data.subarray(done, done + BLOCK_BYTES - at);
          this.isSame &&= Buffer.compare(part, block.subarray(at, at + part.length)) === 0;
          this.bytes += part.length;
          done += part.length;
        }
        if (!random.isOneIn(500)) return;
        this.pauses += 1;
        client.pause();
        setTimeout(() => {
          client.resume();
        }, 1);
      },
      { view: true },
    );
  }
}

interface Proxied {
  readonly left: AsyncClient;
  readonly right: AsyncClient;
  readonly piped: Promise<PipeResult>;
  readonly servers: readonly AsyncServer[];
}

/** Connects left to right through a server that pipes. */
async function proxied(stack: TcpStack): Promise<Proxied> {
  const target = new AsyncServer(HOST, 0, { stack });
  const proxy = new AsyncServer(HOST, 0, { stack });
  const accepted = new Promise<AsyncClient>((resolve) => {
    target.onClient((client) => {
      client.setAllowHalfOpen(true);
      resolve(client);
    });
  });
  let piped: Promise<PipeResult> | undefined;
  proxy.onClient((client) => {
    const upstream = new AsyncClient({ stack });
    upstream.connect(HOST, target.port());
    piped = pipe(client, upstream);
  });
  await Promise.all([target.begin(), proxy.begin()]);
  const left = await AsyncClient.open(HOST, proxy.port(), { stack });
  left.setAllowHalfOpen(true);
  const right = await accepted;
  assert.ok(piped !== undefined);
  return { left, right, piped, servers: [target, proxy] };
}

describe('a pipe', { timeout: HANGS_MS }, () => {
  const makers: [string, () => TcpStack][] = [['memory', memoryStack], ...Object.entries(STACKS)];
  for (const [name, make] of makers) {
    const skip = name === 'kernel' && loadAddon().addon === undefined;
    const forthMib = FORTH_MIB[name] ?? 256;
    it(`carries ${forthMib} MiB forth, past readers that pause: ${name}`, { skip }, async () => {
      const [forthBytes, backBytes] = [forthMib * MIB, (forthMib * MIB) / 4];
      const stack = make();
      const { left, right, piped, servers } = await proxied(stack);
      const [forth, back] = [new Receiver(right, new Random(1)), new Receiver(left, new Random(2))];
      const before = memoryBytes('VmRSS');
      send(left, forthBytes);
      send(right, backBytes);
      let most = before;
      await until('both have ended', () => {
        most = Math.max(most, memoryBytes('VmRSS'));
        return forth.isEnded && back.isEnded;
      });
      assert.deepEqual([forth.bytes, forth.isSame], [forthBytes, true]);
      assert.deepEqual([back.bytes, back.isSame], [backBytes, true]);
      assert.ok(forth.pauses > 0, 'the reader pauses');
      assert.ok(most - before < GROWTH_BYTES, `grew by ${Math.round((most - before) / MIB)} MiB`);
      const { end, aToB, bToA, by, error } = await piped;
      assert.deepEqual([end, aToB, bToA, by, error], ['ended', forthBytes, backBytes, undefined, undefined]);
      for (const server of servers) await server.end();
      await until('the stack holds nothing', () => heldBy(stack) === 0);
    });
  }
});
