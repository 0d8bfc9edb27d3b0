/**
 * D3 · when bytes are sent: at once, or with the end of the callback that wrote them, and in the order of the
 * calls.
 */
import { ASYNC_WRITE_FLAG_COPY, type AsyncClient } from 'asynctcp';
import type { ContractCase, Env, PeerSocket } from './case.js';
import { expect, expectEqual } from './expect.js';
import { linkedToPeer } from './linked.js';

/** Ends a busy loop that waits in vain. */
const HANGS_MS = 4000;
/** More bytes than a stack collects before it sends. */
const LARGE_BYTES = 100_000;

/**
 * Returns true if `bytes` bytes arrive at the client's peer while this thread is blocked: then the kernel has
 * them already.
 */
function arrives(env: Env, client: AsyncClient, bytes: number): boolean {
  const untilMs = performance.now() + HANGS_MS;
  while (env.arrivedAtPeer(client) < bytes) if (performance.now() > untilMs) return false;
  return true;
}

/** Makes the peer send, and runs `act` in the client's `onData`. Rejects with an error that `act` throws. */
async function inCallback(client: AsyncClient, peer: PeerSocket, act: () => void): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    client.onData(() => {
      try {
        act();
        resolve();
      } catch (error) {
        reject(error instanceof Error ? error : new Error(String(error)));
      }
    });
    peer.send('.').catch(reject);
  });
}

export const ORDER: readonly ContractCase[] = [
  {
    id: 'D3.before-work',
    title:
      'write outside of a callback, and send anywhere, give at once: the peer has it before what follows',
    async run(env) {
      const { client, peer } = await linkedToPeer(env);
      client.write('outside');
      expect(
        arrives(env, client, 7),
        'what was written outside of a callback arrives during the work after it',
      );
      await inCallback(client, peer, () => {
        client.add(' sent');
        client.send();
        expect(arrives(env, client, 12), 'what send() gave arrives before the callback returns');
      });
      expectEqual(await peer.receive(12), 'outside sent', 'what arrived');
    },
  },
  {
    id: 'D3.one-by-one',
    title: 'what a callback wrote is on its way before the next callback',
    async run(env) {
      const links = await Promise.all(Array.from({ length: 10 }, () => linkedToPeer(env)));
      let [last, calls]: [AsyncClient | undefined, number] = [undefined, 0];
      const late: number[] = [];
      for (const [index, { client }] of links.entries()) {
        client.onData(() => {
          if (last !== undefined && !arrives(env, last, 6)) late.push(index);
          client.write('answer');
          last = client;
          calls += 1;
        });
      }
      for (const { peer } of links) await peer.send('question');
      await env.until('all have answered', () => calls >= links.length);
      expectEqual(late, [], 'callbacks that came before the last one’s answer had left');
      for (const { peer } of links) expectEqual(await peer.receive(6), 'answer', 'the answer');
    },
  },
  {
    id: 'D3.across-clients',
    title: 'what is written to one client leaves before what is written to another afterwards',
    async run(env) {
      for (const flags of [ASYNC_WRITE_FLAG_COPY, 0] as const) {
        const control = await linkedToPeer(env);
        const data = await linkedToPeer(env);
        await inCallback(control.client, control.peer, () => {
          control.client.write('150 here it comes');
          data.client.write(new Uint8Array(LARGE_BYTES), flags);
          expect(arrives(env, control.client, 17), 'the first of two writes has left with the second');
        });
        await inCallback(control.client, control.peer, () => {
          control.client.write('226 done');
          data.client.close();
        });
        expectEqual(await data.peer.drain(), { bytes: LARGE_BYTES, matches: false, end: 'fin' }, 'the data');
        expectEqual(
          env.arrivedAtPeer(control.client),
          25,
          'bytes that left before the FIN of another client',
        );
      }
    },
  },
  {
    id: 'D3.together',
    title: 'small pieces of one client that are written in one callback leave together',
    async run(env) {
      for (const noDelay of [false, true]) {
        const { client, peer } = await linkedToPeer(env);
        client.setNoDelay(noDelay);
        await inCallback(client, peer, () => {
          for (const piece of ['head ', 'body ', 'and ', 'rest ']) client.write(piece);
          client.write('end', 0);
        });
        expectEqual(await peer.receive(22), 'head body and rest end', 'what arrived');
        expectEqual(await peer.segments(), 1, `segments, with no-delay ${noDelay}`);
      }
    },
  },
  {
    id: 'D3.added-only',
    title: 'what was added after a write in a callback is not sent with it',
    async run(env) {
      const { client, peer } = await linkedToPeer(env);
      await inCallback(client, peer, () => {
        client.write('written');
        client.add(' added');
      });
      expectEqual(await peer.receive(7), 'written', 'what was written');
      await env.settle();
      expectEqual(await peer.receiveNow(), undefined, 'what was only added');
      client.send();
      expectEqual(await peer.receive(6), ' added', 'what was added, when it is sent');
    },
  },
  {
    id: 'L11.microtasks',
    title:
      'microtasks that a callback caused have run before the next callback, and one that throws costs no other',
    async run(env) {
      const links = await Promise.all(Array.from({ length: 10 }, () => linkedToPeer(env)));
      const log: string[] = [];
      for (const [index, { client }] of links.entries()) {
        client.onData(() => {
          log.push(`callback ${index}`);
          queueMicrotask(() => {
            throw new Error(`microtask ${index}`);
          });
          void Promise.resolve().then(() => Promise.resolve().then(() => log.push(`microtask ${index}`)));
        });
      }
      for (const { peer } of links) await peer.send('.');
      await env.until('all callbacks and microtasks have run', () => log.length === 2 * links.length);
      for (let at = 0; at < log.length; at += 2) {
        expectEqual(log[at + 1], log[at]?.replace('callback', 'microtask'), 'what follows a callback');
      }
      await env.settle();
      expectEqual(env.takeUncaught().length, links.length, 'errors that were uncaught');
    },
  },
  {
    id: 'L11.end',
    title:
      'microtasks that onEnd caused have run before onDisconnect, which follows at once behind both FINs',
    async run(env) {
      const { client, peer } = await linkedToPeer(env, (fresh) => fresh.setAllowHalfOpen(true));
      const order: string[] = [];
      client.onEnd(() => {
        order.push('end');
        void Promise.resolve().then(() => order.push('microtask'));
      });
      client.onDisconnect(() => order.push('disconnect'));
      client.shutdown();
      expectEqual((await peer.drain()).end, 'fin', 'how the peer saw our side end');
      await env.settle();
      await peer.shutdown();
      await env.until('it is over', () => order.includes('disconnect'));
      expectEqual(order, ['end', 'microtask', 'disconnect'], 'order');
    },
  },
  {
    id: 'L11.context',
    title: 'a handler runs in the AsyncLocalStorage context in which it was set, and changes no other’s',
    async run(env) {
      const listener = await env.peer.listen({ address: '127.0.0.1' });
      const printed = env.runProgram(`
        import { AsyncLocalStorage } from 'node:async_hooks';
        const storage = new AsyncLocalStorage();
        const seen = [];
        const tell = () => { seen.push(storage.getStore() ?? 'none'); storage.enterWith('entered'); };
        const client = new AsyncClient({ stack: '${env.clientStack.name}' });
        client.onConnect(tell);
        storage.run('data', () => client.onData(() => { tell(); storage.run('abort', () => client.abort()); }));
        storage.run('error', () => client.onError(tell));
        client.onDisconnect(() => { tell(); console.log(seen.join(' ')); });
        storage.run('connect', () => client.connect('127.0.0.1', ${listener.port}));
      `);
      const peer = await listener.accept();
      await peer.send('.');
      expectEqual((await printed).trim(), 'none data error none', 'the contexts of four callbacks');
    },
  },
  {
    id: 'D3.exit',
    title: 'what a callback wrote before it ends the process arrives',
    async run(env) {
      const listener = await env.peer.listen({ address: '127.0.0.1' });
      const ended = env.runProgram(`
        const client = await AsyncClient.open('127.0.0.1', ${listener.port}, { stack: '${env.clientStack.name}' });
        client.onData(() => {
          client.write('bye');
          process.exit(0);
        });
      `);
      const peer = await listener.accept();
      await peer.send('.');
      expectEqual(await peer.receive(100), 'bye', 'what arrived');
      await ended;
    },
  },
];
