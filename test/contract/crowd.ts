/**
 * M4 · many peers that connect and never read use no more memory than stated, and do not slow down a reader.
 */
import type { AsyncClient, AsyncServer } from 'asynctcp';
import type { ContractCase, Env, PeerSocket } from './case.js';
import { expect, expectEqual } from './expect.js';
import { History } from './history.js';
import { stuff } from './linked.js';
import { pattern } from './pattern.js';

const BUDGET_BYTES = 1_048_576;
/** Bytes that each connection may have unacknowledged in any case. */
const SHARE_BYTES = 65_536;
/** Peers that do not read. With one reader, their shares are half of the budget. */
const CROWD = 7;
/** More than the crowd and the kernel's buffers hold. */
const READ_BYTES = 8_000_000;

interface Crowd {
  readonly server: AsyncServer;
  /** The server's clients, those of the crowd first. */
  readonly accepted: readonly History[];
}

/** A peer and the server's client that it is connected to. */
interface Next {
  readonly peer: PeerSocket;
  readonly history: History;
  readonly client: AsyncClient;
}

/** Connects the peers that do not read, and sends to each of them until no bytes are taken. */
async function crowdThatNeverReads(env: Env): Promise<Crowd> {
  const accepted: History[] = [];
  const server = await env.serve((client) => accepted.push(new History(client)));
  for (let count = 0; count < CROWD; count += 1) {
    const { client, history } = await nextOf(env, { server, accepted });
    history.onEvent = (event) => {
      if (event === 'ack') while (client.write(pattern(0, 0, SHARE_BYTES)) > 0);
    };
    await stuff(env, client);
  }
  return { server, accepted };
}

/** Connects one more peer. */
async function nextOf(env: Env, { server, accepted }: Crowd): Promise<Next> {
  const count = accepted.length;
  const peer = await env.peer.connect(server.port());
  await env.until('the next is accepted', () => accepted.length > count);
  const history = accepted[count];
  if (history === undefined) throw new Error('nothing was accepted');
  return { peer, history, client: history.client };
}

/** Sends `READ_BYTES` bytes as there is space, and closes. */
function sendAll(history: History): void {
  const { client } = history;
  let sent = 0;
  const refill = (): void => {
    for (let last = 1; last > 0 && sent < READ_BYTES; sent += last) {
      last = client.write(pattern(1, sent, Math.min(SHARE_BYTES, READ_BYTES - sent)));
    }
    if (sent === READ_BYTES) client.close();
  };
  history.onEvent = (event) => {
    if (event === 'ack') refill();
  };
  refill();
}

export const CROWDS: readonly ContractCase[] = [
  {
    id: 'M4.budget',
    title: 'peers that never read leave at most the send budget unacknowledged, and a reader its flow',
    limits: { sendBudgetBytes: BUDGET_BYTES },
    async run(env) {
      const crowd = await crowdThatNeverReads(env);
      const { server, accepted } = crowd;
      const unacknowledged = (): number => {
        let bytes = 0;
        for (const client of server.clients()) bytes += client.unacknowledged();
        return bytes;
      };
      expect(unacknowledged() <= BUDGET_BYTES, `${unacknowledged()} bytes, within the budget`);
      expectEqual(server.count(), CROWD, 'clients: none of them is cut');
      const reader = await nextOf(env, crowd);
      expect(
        reader.client.space() >= Math.min(SHARE_BYTES, env.serverStack.limits.sendBufferBytes),
        'a share',
      );
      sendAll(reader.history);
      expect(
        unacknowledged() <= BUDGET_BYTES,
        `${unacknowledged()} bytes with the reader, within the budget`,
      );
      const got = await reader.peer.drain(1);
      expectEqual(got, { bytes: READ_BYTES, matches: true, end: 'fin' }, 'what the reader gets');
      await reader.peer.close();
      for (const { client } of accepted.slice(0, CROWD)) client.abort();
      await env.until('all are over', () => accepted.every(({ over }) => over));
      const { client } = await nextOf(env, crowd);
      const whole = Math.min(env.serverStack.limits.sendBufferBytes, SHARE_BYTES + BUDGET_BYTES / 8);
      expectEqual(client.space(), whole, 'space when the crowd is gone');
    },
  },
  {
    id: 'M4.kernel',
    title: 'what the kernel holds for peers that never read is within the send budget as well',
    limits: { sendBudgetBytes: BUDGET_BYTES },
    async run(env) {
      const { accepted } = await crowdThatNeverReads(env);
      let bytes = 0;
      for (const { client } of accepted) bytes += env.inFlight(client);
      expect(bytes <= BUDGET_BYTES, `${bytes} bytes, within the budget`);
    },
  },
];
