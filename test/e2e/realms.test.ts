/** Values of another realm, as programs have them in a `vm` context, in jsdom, or with a polyfill. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runInNewContext } from 'node:vm';
import {
  ASYNC_WRITE_FLAG_COPY,
  ASYNC_WRITE_FLAG_MORE,
  AsyncClient,
  AsyncServer,
  ErrorCode,
  TcpError,
} from 'asynctcp';
import { unlessAddonLoads } from '../native/require-addon.js';
import { HANGS_MS } from './programs/inline.js';

const STACKS = ['kernel', 'node'] as const;
/** Sizes of data: small; more than a stack collects before it sends; more than one system call takes. */
const SIZES = [5, 3000, 3_000_000];

/** Returns a `Uint8Array` of another realm. */
function foreignBytes(length: number, memory: 'ArrayBuffer' | 'SharedArrayBuffer'): Uint8Array {
  // The compiler does not know the type of the context's result.
  const made = runInNewContext(`new Uint8Array(new ${memory}(${length + 3}), 3).fill(120)`) as Uint8Array;
  assert.equal(made instanceof Uint8Array, false);
  return made;
}

/** An `AbortSignal` of a class of its own, as a polyfill makes it. */
class PolyfilledSignal {
  aborted = false;
  readonly reason: unknown = runInNewContext("new Error('enough')");
  readonly listeners = new Set<() => void>();

  addEventListener(_type: string, listener: () => void): void {
    this.listeners.add(listener);
  }

  removeEventListener(_type: string, listener: () => void): void {
    this.listeners.delete(listener);
  }
}

/** Connects a client to a server, which collects the bytes that it receives until the end. */
async function conversation(stack: (typeof STACKS)[number]) {
  const server = new AsyncServer('127.0.0.1', 0, { stack });
  const received = new Promise<string>((resolve) => {
    server.onClient((accepted) => {
      let text = '';
      accepted.onData((_, data) => {
        text += new TextDecoder().decode(data);
      });
      accepted.onDisconnect(() => {
        resolve(text);
      });
    });
  });
  await server.begin();
  const client = await AsyncClient.open('127.0.0.1', server.port(), { stack });
  return { server, client, received };
}

/** Writes all data as there is space, then closes. */
function writeAll(client: AsyncClient, data: Uint8Array, flags: number): void {
  let taken = client.write(data, flags);
  const go = (): void => {
    // The remainder is a view of the other realm's class, too.
    while (taken < data.length && client.canSend()) taken += client.write(data.subarray(taken), flags);
    if (taken === data.length) client.close();
  };
  client.onAck(go);
  go();
}

for (const stack of STACKS) {
  const skip = stack === 'kernel' ? unlessAddonLoads() : false;
  describe(`on ${stack}`, { timeout: HANGS_MS, skip }, () => {
    for (const memory of ['ArrayBuffer', 'SharedArrayBuffer'] as const) {
      it(`a Uint8Array of another realm over its ${memory} is sent`, async () => {
        for (const flags of [ASYNC_WRITE_FLAG_COPY, 0, ASYNC_WRITE_FLAG_MORE]) {
          for (const length of SIZES) {
            const { server, client, received } = await conversation(stack);
            writeAll(client, foreignBytes(length, memory), flags);
            assert.equal((await received).length, length);
            await server.end();
          }
        }
      });
    }

    it('what only calls itself a Uint8Array is refused', async () => {
      const { server, client } = await conversation(stack);
      const impostors: unknown[] = [
        { [Symbol.toStringTag]: 'Uint8Array', length: 3, buffer: new ArrayBuffer(3) },
        runInNewContext('new Uint16Array(3)'),
        runInNewContext('new DataView(new ArrayBuffer(3))'),
      ];
      for (const impostor of impostors) {
        assert.throws(
          () => Reflect.apply(client.write.bind(client), undefined, [impostor]),
          /^TypeError: data must be a string or a Uint8Array/,
        );
      }
      client.close();
      await server.end();
    });

    it('a signal that is no AbortSignal of this realm ends an attempt', async () => {
      const polyfill = new PolyfilledSignal();
      const server = new AsyncServer('127.0.0.1', 0, { stack });
      await server.begin();
      const open = (signal: unknown): unknown =>
        Reflect.apply(AsyncClient.open.bind(AsyncClient), undefined, [
          '127.0.0.1',
          server.port(),
          { stack, signal },
        ]);
      const opened = Promise.resolve(open(polyfill));
      for (const listener of polyfill.listeners) listener();
      await assert.rejects(opened, (error) => {
        assert.ok(error instanceof TcpError);
        assert.equal(error.code, ErrorCode.ERR_ABRT);
        assert.equal(error.cause, polyfill.reason);
        return true;
      });
      assert.equal(polyfill.listeners.size, 0);
      polyfill.aborted = true;
      await assert.rejects(Promise.resolve(open(polyfill)), /aborted/i);
      await assert.rejects(
        Promise.resolve(open({ aborted: true })),
        /^TypeError: signal must be an AbortSignal/,
      );
      await server.end();
    });
  });
}
