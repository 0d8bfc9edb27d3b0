/** Sources of answers: each is ended when no client takes its pieces any more, and none ends the server. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, it } from 'node:test';
import { HTTP_GET, RESPONSE_TRY_AGAIN, type AsyncWebServer } from 'asynctcp-web';
import { bed, STACKS, type Bed } from './bed.js';
import { descriptorsOf, folderOf, until } from './files.js';

const HEAD = 'HTTP/1.1\r\nHost: x\r\n\r\n';

/** Gets the first bytes of an answer, and goes. */
async function leave({ open }: Bed): Promise<void> {
  const socket = open();
  socket.write(`GET / ${HEAD}`);
  await once(socket, 'data');
  socket.destroy();
}

/** Goes while an answer waits for the one before it. */
async function leavePipeline({ open }: Bed, isMade: () => boolean): Promise<void> {
  const socket = open().on('error', () => undefined);
  socket.write(`GET /never ${HEAD}GET / ${HEAD}`);
  await until(isMade);
  socket.destroy();
}

for (const stack of STACKS) {
  describe(`a source of an answer on ${stack}`, () => {
    const ended = async (
      test: Parameters<typeof bed>[0],
      answer: (server: AsyncWebServer, ends: () => void, begins: () => void) => void,
    ): Promise<void> => {
      let ends = 0;
      let begins = 0;
      const served = await bed(test, stack, (server) => {
        server.on('/never', (request) => request.pause());
        answer(
          server,
          () => (ends += 1),
          () => (begins += 1),
        );
      });
      await leave(served);
      await until(() => ends === 1);
      await leavePipeline(served, () => begins === 2);
      await until(() => ends === 2);
      assert.deepEqual(served.log, []);
    };

    it('that is a stream of Node and waits is destroyed when the client has gone', async (test) => {
      await ended(test, (server, ends, begins) => {
        server.on('/', (request) => {
          const source = new PassThrough().on('close', ends);
          source.write('the beginning');
          request.sendChunked('text/plain', source);
          begins();
        });
      });
    });

    it('that is a stream of the web and waits is cancelled when the client has gone', async (test) => {
      await ended(test, (server, ends, begins) => {
        server.on('/', (request) => {
          request.sendChunked('text/plain', waitingStream(ends));
          begins();
        });
      });
    });

    it('that is the body of a Response and waits is cancelled when the client has gone', async (test) => {
      await ended(test, (server, ends, begins) => {
        server.onFetch('/', () => {
          begins();
          return new Response(waitingStream(ends));
        });
      });
    });

    it('that is a filler without bytes is not asked any more when the client has gone', async (test) => {
      let asked = 0;
      let gone = 0;
      const served = await bed(test, stack, (server) => {
        server.on('/', (request) => {
          request.onDisconnect(() => (gone += 1));
          request.sendChunked('text/plain', (buffer, _maxLen, index) => {
            asked += 1;
            return index === 0 ? buffer.write('the beginning') : RESPONSE_TRY_AGAIN;
          });
        });
        server.on('/clock', (request) => {
          let turns = 0;
          request.sendChunked('text/plain', () => ((turns += 1) <= 5 ? RESPONSE_TRY_AGAIN : 0));
        });
      });
      await leave(served);
      await until(() => gone === 1);
      const before = asked;
      // Another filler is asked five times meanwhile.
      assert.equal((await served.ask('/clock')).status, 200);
      assert.equal(asked, before);
    });

    it('that is a file is no error when the client has gone', async (test) => {
      const folder = folderOf(test, { 'big.bin': Buffer.alloc(1_000_000) });
      let gone = 0;
      let leaving: Socket | undefined;
      const { open, log } = await bed(test, stack, (server) => {
        server.on('/never', (request) => request.pause());
        server.on('/', (request) => {
          request.onDisconnect(() => (gone += 1));
          request.send(folder, 'big.bin');
          leaving?.destroy();
        });
      });
      for (const before of ['', `GET /never ${HEAD}`]) {
        leaving = open().on('error', () => undefined);
        leaving.write(`${before}GET / ${HEAD}`);
        await once(leaving, 'close');
      }
      await until(() => gone === 2 && descriptorsOf(folder) === 0);
      assert.deepEqual(log, []);
    });

    it('that no one takes frees what it holds', async (test) => {
      const folder = folderOf(test, { 'a.txt': 'a' });
      const { ask } = await bed(test, stack, (server) => {
        server.on('/', HTTP_GET, (request) => {
          request.sendChunked('text/plain', createReadStream(join(folder, 'a.txt')));
        });
        server.on('/replaced', HTTP_GET, (request) => {
          request.sendChunked('text/plain', createReadStream(join(folder, 'a.txt')));
          throw new Error('the program failed');
        });
        server.on('/absent', HTTP_GET, (request) => {
          request.sendChunked('text/plain', createReadStream(join(folder, 'b.txt')));
        });
      });
      assert.equal((await ask('/', { method: 'HEAD' })).status, 200);
      assert.equal((await ask('/absent', { method: 'HEAD' })).status, 200);
      assert.equal((await ask('/replaced')).status, 500);
      await until(() => descriptorsOf(folder) === 0);
    });
  });
}

function waitingStream(cancel: () => void): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start: (controller) => {
      controller.enqueue(Buffer.from('the beginning'));
    },
    pull: () => new Promise(() => undefined),
    cancel: () => {
      cancel();
      throw new Error('a source that cannot free itself');
    },
  });
}
