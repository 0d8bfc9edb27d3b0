/** Descriptors and memory that files cost, with clients that go or do not read. */
import assert from 'node:assert/strict';
import { truncateSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { HTTP_GET, HttpError, WebFolder } from 'asynctcp-web';
import { bed, STACKS } from './bed.js';
import { descriptorsOf, folderOf, until } from './files.js';

const BIG_BYTES = 1_000_000_000;

/** Descriptors are counted as Linux lists them. */
const WITHOUT_PROC = process.platform === 'linux' ? false : 'there is no /proc';

/** Returns a list that gets Node's warnings: it warns of a file that the garbage collector closes. */
function forgottenOf(test: TestContext): readonly string[] {
  const warnings: string[] = [];
  const note = ({ message }: Error): void => {
    warnings.push(message);
  };
  process.on('warning', note);
  test.after(() => process.off('warning', note));
  return warnings;
}

for (const stack of STACKS) {
  describe(`a big file on ${stack}`, { skip: WITHOUT_PROC }, () => {
    it('costs a client that does not read a bounded part of its bytes, and is closed when the client goes', async (test) => {
      const path = folderOf(test, { 'big.bin': '' });
      truncateSync(join(path, 'big.bin'), BIG_BYTES);
      let reply: ServerResponse | undefined;
      const { open } = await bed(test, stack, (server) => {
        server.addMiddleware((request, next) => {
          ({ reply } = request);
          return next();
        });
        server.serveStatic('/', path);
      });
      const socket = open();
      socket.pause();
      const before = process.memoryUsage.rss();
      socket.write('GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n');
      await until(() => reply?.writableNeedDrain === true);
      assert.equal(descriptorsOf(join(path, 'big.bin')), 1);
      let most = 0;
      for (let turn = 0; turn < 2000; turn += 1) {
        most = Math.max(most, reply?.writableLength ?? 0);
        await new Promise(setImmediate);
      }
      assert.ok(most < 1_000_000, `${most} bytes wait in the reply`);
      const more = process.memoryUsage.rss() - before;
      assert.ok(more < BIG_BYTES / 10, `the process has ${more} bytes more`);
      socket.destroy();
      await until(() => descriptorsOf(join(path, 'big.bin')) === 0);
    });

    it('is closed behind each way to answer: HEAD, 304, 416, refused, redirected, answered otherwise', async (test) => {
      const forgotten = forgottenOf(test);
      const path = folderOf(test, { 'd/index.html': 'x'.repeat(1000), 'd/index.html.gz': 'y'.repeat(1000) });
      const folder = new WebFolder(path, { limits: { cachedFileBytes: 1 } });
      const { ask } = await bed(test, stack, (server) => {
        server.serveStatic('/refused', folder).addMiddleware(() => {
          throw new HttpError(403);
        });
        server.serveStatic('/other', folder).addMiddleware((request) => {
          request.send(200, 'text/plain', 'other');
        });
        server.serveStatic('/twice', folder).addMiddleware(async (request, next) => {
          await next();
          request.send(200, 'text/plain', 'other');
        });
        server.serveStatic('/', folder);
        server.on('/sent', HTTP_GET, (request) => {
          request.send(folder, 'd/index.html', undefined, true);
        });
      });
      const statuses: number[] = [];
      const status = async (target: string, headers = {}, method = 'GET'): Promise<void> => {
        statuses.push((await ask(target, { headers, method })).status);
      };
      await status('/d/');
      await status('/d/', {}, 'HEAD');
      await status('/d/', { 'if-none-match': '*' });
      await status('/d/', { range: 'bytes=5000-' });
      await status('/d');
      await status('/refused/d/');
      await status('/other/d/');
      await status('/twice/d/');
      await status('/sent', { 'accept-encoding': 'gzip' });
      assert.deepEqual(statuses, [200, 200, 304, 416, 302, 403, 200, 200, 200]);
      await until(() => descriptorsOf(path) === 0);
      assert.deepEqual(forgotten, []);
    });

    it('is closed when the client has gone before it was found', async (test) => {
      const forgotten = forgottenOf(test);
      const path = folderOf(test, { 'big.bin': Buffer.alloc(1_000_000) });
      let passed = 0;
      const { open } = await bed(test, stack, (server) => {
        server.addMiddleware(async (request, next) => {
          const gone = new Promise<void>((resolve) => {
            request.onDisconnect(resolve);
          });
          socket.destroy();
          await gone;
          await next();
          passed += 1;
        });
        server.serveStatic('/', path);
        server.on('/sent', HTTP_GET, (request) => {
          request.send(path, 'big.bin');
        });
      });
      let socket = open();
      socket.write('GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n');
      await until(() => passed === 1);
      socket = open();
      socket.write('GET /sent HTTP/1.1\r\nHost: x\r\n\r\n');
      await until(() => passed === 2 && descriptorsOf(path) === 0);
      assert.deepEqual(forgotten, []);
    });

    it('is closed when it is found too late', async (test) => {
      const forgotten = forgottenOf(test);
      const path = folderOf(test, { 'big.bin': Buffer.alloc(1_000_000) });
      let isOver = false;
      const { ask } = await bed(
        test,
        stack,
        (server) => {
          server.addMiddleware(async (request, next) => {
            await new Promise<void>((resolve) => {
              request.onDisconnect(resolve);
            });
            await next();
            isOver = true;
          });
          server.serveStatic('/', path);
        },
        { limits: { answerMs: 1 } },
      );
      assert.equal((await ask('/big.bin')).status, 503);
      await until(() => isOver && descriptorsOf(path) === 0);
      assert.deepEqual(forgotten, []);
    });

    it('does not fill the cache, whose bytes are bounded', async (test) => {
      const files: Record<string, string> = {};
      for (let at = 0; at < 50; at += 1) files[`${at}.txt`] = 'x'.repeat(1000);
      const folder = new WebFolder(folderOf(test, { ...files, 'over.txt': 'x'.repeat(1001) }), {
        limits: { cacheBytes: 20_000, cachedFileBytes: 1000 },
      });
      const { ask } = await bed(test, stack, (server) => {
        server.serveStatic('/', folder);
      });
      await ask('/over.txt');
      assert.equal(typeof folder.peek('over.txt'), 'undefined');
      for (let at = 0; at < 50; at += 1) assert.equal((await ask(`/${at}.txt`)).text.length, 1000);
      assert.ok(folder.cachedBytes > 10_000 && folder.cachedBytes <= 20_000);
      assert.notEqual(folder.peek('/49.txt'), undefined);
    });
  });
}
