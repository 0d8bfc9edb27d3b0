/** `serveStatic` and answers that are files: what does not depend on a client. */
import assert from 'node:assert/strict';
import { renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { HTTP_GET, HTTP_POST, HttpError, WebFolder } from 'asynctcp-web';
import { bed, STACKS } from './bed.js';
import { folderOf, until } from './files.js';

for (const stack of STACKS) {
  describe(`files on ${stack}`, () => {
    it('are found below the handler’s path, with type, length and validators', async (test) => {
      const folder = folderOf(test, { 'www/a/page.html': '<p>', 'www/data.bin': 'x', 'secret.txt': 'no' });
      const { ask } = await bed(test, stack, (server) => {
        server.serveStatic('/files', folder, '/www', 'max-age=600');
      });
      const answer = await ask('/files/a/page.html');
      assert.equal(answer.text, '<p>');
      assert.equal(answer.headers['content-type'], 'text/html; charset=utf-8');
      assert.equal(answer.headers['cache-control'], 'max-age=600');
      assert.equal(answer.headers['accept-ranges'], 'bytes');
      assert.match(String(answer.headers.etag), /^"[^"]+"$/);
      assert.ok(answer.headers['last-modified'] !== undefined);
      assert.equal((await ask('/files/data.bin')).headers['content-type'], 'application/octet-stream');
      for (const path of ['/filesa/page.html', '/files/secret.txt', '/a/page.html']) {
        assert.equal((await ask(path)).status, 404, path);
      }
    });

    it('answer a single path by a single file', async (test) => {
      const folder = folderOf(test, { 'a.txt': 'A' });
      const { ask } = await bed(test, stack, (server) => {
        server.serveStatic('/about', folder, '/a.txt').setIsDir(false);
      });
      assert.equal((await ask('/about')).text, 'A');
      assert.equal((await ask('/about/x')).status, 404);
    });

    it('answer a rewritten name of a folder by the way into that folder', async (test) => {
      const folder = folderOf(test, { 'docs/index.html': 'index', 'ä b/index.html': 'other' });
      const { ask } = await bed(test, stack, (server) => {
        server.rewrite('/x/y', '/docs?a=1');
        server.rewrite('/z', '/%C3%A4%20b');
        server.rewrite('/two', '//docs');
        server.serveStatic('/', folder);
        server.serveStatic('//docs', folder, '/docs/');
      });
      assert.equal((await ask('/x/y?b=2')).headers.location, '/docs/?a=1&b=2');
      assert.equal((await ask('/z')).headers.location, '/%C3%A4%20b/');
      assert.equal((await ask('/%C3%A4%20b/')).text, 'other');
      // Two slashes would lead to a host.
      assert.match(String((await ask('/two')).headers.location), /^\/(?!\/)/);
    });

    it('with a template whose value never comes are answered 503, or break off', async (test) => {
      const small = 'a%NAME%b';
      const folder = folderOf(test, { small, large: small.padEnd(1_000_000) });
      const { ask, log } = await bed(
        test,
        stack,
        (server) => {
          server
            .serveStatic('/', folder)
            .setTemplateProcessor({ NAME: () => new Promise<string>(() => undefined) });
        },
        { limits: { answerMs: 20 } },
      );
      assert.equal((await ask('/small')).status, 503);
      await assert.rejects(ask('/large'));
      assert.match(log[0] ?? '', /GET \/small: .*the value of NAME has not come within 20 ms/);
      assert.match(log[1] ?? '', /GET \/large: .*the value of NAME has not come within 20 ms/);
    });

    it('answer for their folder by a default file, behind a slash', async (test) => {
      const folder = folderOf(test, { 'd/main.html': 'main', 'd/index.html': 'index', 'e/x': '' });
      const { ask } = await bed(test, stack, (server) => {
        server.serveStatic('/named', folder).setDefaultFile('none.html', 'main.html');
        server.serveStatic('/none', folder).setDefaultFile();
        server.serveStatic('/', folder);
      });
      assert.equal((await ask('/d/')).text, 'index');
      assert.equal((await ask('/named/d/')).text, 'main');
      assert.equal((await ask('/none/d/')).status, 404);
      const sent = await ask('/named/d?a=1');
      assert.deepEqual([sent.status, sent.headers.location], [302, './d/?a=1']);
      for (const path of ['/e', '/e/', '/none/d', '//d', '/d//']) {
        assert.equal((await ask(path)).status, 404, path);
      }
    });

    it('hand a path without a file on: to the next handler, with its middleware, and to onNotFound', async (test) => {
      const folder = folderOf(test, { 'a.txt': 'A' });
      const { ask } = await bed(test, stack, (server) => {
        server.on('/api', HTTP_POST, () => undefined);
        server.serveStatic('/', folder).addMiddleware(() => {
          throw new HttpError(401);
        });
        server.serveStatic('/', folder, '/none');
        server.on('/hello', HTTP_GET, (request) => {
          request.send(200, 'text/plain', 'hello');
        });
        server.onNotFound((request) => {
          request.send(404, 'text/plain', `no ${request.url()}`);
        });
      });
      assert.equal((await ask('/a.txt')).status, 401);
      assert.equal((await ask('/hello')).text, 'hello');
      assert.equal((await ask('/b.txt')).text, 'no /b.txt');
      assert.equal((await ask('/b.txt', { method: 'POST', body: 'x' })).text, 'no /b.txt');
    });

    it('keep the methods of earlier handlers for 405', async (test) => {
      const folder = folderOf(test, {});
      const { ask } = await bed(test, stack, (server) => {
        server.on('/api', HTTP_POST, () => undefined);
        server.serveStatic('/', folder);
      });
      const answer = await ask('/api');
      assert.deepEqual([answer.status, answer.headers.allow], [405, 'POST']);
    });

    it('are sent compressed only to clients that accept it, and say that they vary', async (test) => {
      const folder = folderOf(test, {
        'a.js': 'plain',
        'a.js.gz': gzipSync('packed'),
        'b.js.gz': gzipSync('packed'),
        'c.js': 'plain',
      });
      const { ask } = await bed(test, stack, (server) => {
        server.serveStatic('/last', folder).setTryGzipFirst(false);
        server.serveStatic('/', folder);
      });
      const accepts = { headers: { 'accept-encoding': 'gzip' } };
      const packed = await ask('/a.js', accepts);
      assert.equal(packed.headers['content-encoding'], 'gzip');
      assert.equal(packed.headers['content-type'], 'application/javascript; charset=utf-8');
      assert.equal(packed.headers.vary, 'Accept-Encoding');
      assert.deepEqual(packed.body, gzipSync('packed'));
      const plain = await ask('/a.js', { headers: { 'accept-encoding': 'gzip;q=0' } });
      assert.equal(plain.text, 'plain');
      assert.equal(plain.headers['content-encoding'], undefined);
      assert.equal(plain.headers.vary, 'Accept-Encoding');
      assert.notEqual(plain.headers.etag, packed.headers.etag);
      assert.equal((await ask('/b.js')).status, 406);
      assert.equal((await ask('/c.js', accepts)).headers.vary, undefined);
      assert.equal((await ask('/last/a.js', accepts)).text, 'plain');
      assert.equal((await ask('/last/b.js', accepts)).headers['content-encoding'], 'gzip');
    });

    it('are read again when they have been changed or replaced', async (test) => {
      const path = folderOf(test, { 'a.txt': 'one' });
      const folder = new WebFolder(path, { limits: { cacheMs: 1 } });
      const { ask } = await bed(test, stack, (server) => {
        server.serveStatic('/', folder);
      });
      assert.equal((await ask('/a.txt')).text, 'one');
      writeFileSync(join(path, 'a.txt'), 'two');
      await until(async () => (await ask('/a.txt')).text === 'two');
      writeFileSync(join(path, 'b.txt'), 'three');
      renameSync(join(path, 'b.txt'), join(path, 'a.txt'));
      await until(async () => (await ask('/a.txt')).text === 'three');
      renameSync(join(path, 'a.txt'), join(path, 'b.txt'));
      await until(async () => (await ask('/a.txt')).status === 404);
    });

    it('have the names of a template replaced, and no ranges', async (test) => {
      const folder = folderOf(test, { 'p.html': '<b>%NAME%</b> 100% %X%', 'p.html.gz': gzipSync('no') });
      const small = new WebFolder(folder);
      const large = new WebFolder(folder, { limits: { cachedFileBytes: 1 } });
      const { ask, log } = await bed(test, stack, (server) => {
        const template = { NAME: () => Promise.resolve('Ann') };
        server.serveStatic('/small', small).setTemplateProcessor(template);
        server
          .serveStatic('/large', large)
          .setTemplateProcessor((request) => request.arg('n'), ['NAME'])
          .setCacheControl('no-store');
        server.serveStatic('/broken', small).setTemplateProcessor({
          NAME: () => {
            throw new Error('broken');
          },
        });
      });
      const headers = { 'accept-encoding': 'gzip', range: 'bytes=0-0' };
      const known = await ask('/small/p.html', { headers });
      assert.deepEqual([known.status, known.text], [200, '<b>Ann</b> 100% %X%']);
      assert.equal(known.headers['cache-control'], 'no-cache');
      assert.equal(known.headers['content-length'], String(known.body.length));
      assert.equal(known.headers.etag ?? known.headers['accept-ranges'], undefined);
      const chunked = await ask('/large/p.html?n=%25NAME%25', { headers });
      assert.equal(chunked.text, '<b>%NAME%</b> 100% %X%');
      assert.equal(chunked.headers['cache-control'], 'no-store');
      assert.equal(chunked.headers['content-length'], undefined);
      assert.equal((await ask('/broken/p.html')).status, 500);
      assert.match(log[0] ?? '', /broken/);
    });

    it('answer conditions by the program’s date, if there is one', async (test) => {
      const folder = folderOf(test, { 'a.txt': 'A' });
      const date = 'Wed, 01 Jan 2020 00:00:00 GMT';
      const { ask } = await bed(test, stack, (server) => {
        server.serveStatic('/', folder).setLastModified(date);
      });
      assert.equal((await ask('/a.txt')).headers['last-modified'], date);
      const since = async (text: string): Promise<number> =>
        (await ask('/a.txt', { headers: { 'if-modified-since': text } })).status;
      assert.equal(await since(date), 304);
      assert.equal(await since('Tue, 31 Dec 2019 23:59:59 GMT'), 200);
      const range = async (text: string): Promise<number> =>
        (await ask('/a.txt', { headers: { range: 'bytes=0-0', 'if-range': text } })).status;
      assert.equal(await range(date), 206);
      assert.equal(await range('Thu, 02 Jan 2020 00:00:00 GMT'), 200);
      const until = await ask('/a.txt', {
        headers: { 'if-unmodified-since': 'Tue, 31 Dec 2019 23:59:59 GMT' },
      });
      assert.equal(until.status, 412);
    });

    it('keep the program’s status and headers', async (test) => {
      const folder = folderOf(test, { '404.html': 'gone' });
      const { ask } = await bed(test, stack, (server) => {
        server.addDefaultHeader('Cache-Control', 'no-store');
        server.addDefaultHeader('X-Server', 'mine');
        server.serveStatic('/', folder, '/', 'max-age=1');
        server.onNotFound((request) => {
          const response = request.beginResponse(folder, '/404.html').setCode(404);
          request.send(response.addHeader('ETag', '"own"').addHeader('Cache-Control', 'private'));
        });
      });
      const missing = await ask('/x', { headers: { range: 'bytes=0-0' } });
      assert.deepEqual([missing.status, missing.text], [404, 'gone']);
      assert.deepEqual([missing.headers.etag, missing.headers['cache-control']], ['"own"', 'private']);
      const found = await ask('/404.html');
      assert.deepEqual([found.headers['cache-control'], found.headers['x-server']], ['max-age=1', 'mine']);
    });

    it('are sent by a handler, by a folder or its path', async (test) => {
      const path = folderOf(test, { 'ü.csv': 'a,b', 'up.txt': '%A%' });
      const { ask } = await bed(test, stack, (server) => {
        server.on('/log', HTTP_GET, (request) => {
          request.send(new WebFolder(path), 'ü.csv', undefined, true);
        });
        server.on('/up', HTTP_GET, (request) => {
          request.send(path, request.arg('name'), 'text/x-up', false, { A: 'filled in' });
        });
      });
      const log = await ask('/log');
      assert.equal(log.text, 'a,b');
      assert.equal(
        log.headers['content-disposition'],
        `attachment; filename="_.csv"; filename*=UTF-8''%C3%BC.csv`,
      );
      assert.equal(log.headers['content-type'], 'text/csv; charset=utf-8');
      const up = await ask('/up?name=up.txt');
      assert.deepEqual([up.text, up.headers['content-type']], ['filled in', 'text/x-up']);
      for (const name of ['', '.', '..', '../up.txt', '/etc/passwd', 'none', '%00', '..%5cup.txt']) {
        assert.equal((await ask(`/up?name=${name}`)).status, 404, name);
      }
    });

    it('with an unchanged time and another size have another validator', async (test) => {
      const path = folderOf(test, { 'a.txt': 'A', 'b.txt': 'BB' });
      for (const name of ['a.txt', 'b.txt']) utimesSync(join(path, name), 1, 1);
      const { ask } = await bed(test, stack, (server) => {
        server.serveStatic('/', path);
      });
      assert.notEqual((await ask('/a.txt')).headers.etag, (await ask('/b.txt')).headers.etag);
    });
  });
}
