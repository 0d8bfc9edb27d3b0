/** Bodies as real clients send them: curl, and Node's fetch. */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { HTTP_POST, HTTP_PUT, type AsyncWebServer, type AsyncWebServerOptions } from 'asynctcp-web';
import { bed, SYSTEM_STACKS, type StackName } from './bed.js';
import { output, unlessInstalled } from './programs.js';

const FILE_BYTES = 5_000_000;
const skip = unlessInstalled('curl');

function folder(test: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'asynctcp-web-'));
  test.after(() => {
    rmSync(path, { recursive: true });
  });
  return path;
}

/** Answers with what came: parameters, and the digest of files or of the body. */
function configure(server: AsyncWebServer): void {
  const hash = createHash('sha256');
  server.on(
    '',
    HTTP_POST | HTTP_PUT,
    (request) => {
      const params = request.params().map((param) => [param.name(), param.value(), param.size()]);
      request.send(200, 'application/json', JSON.stringify({ params, digest: hash.digest('hex') }));
    },
    async (_request, _filename, _index, data) => {
      hash.update(data);
      await new Promise(setImmediate);
    },
    (_request, data) => hash.update(data),
  );
}

interface Peer {
  readonly url: string;
  readonly path: string;
  readonly digest: string;
}

async function peer(test: TestContext, stack: StackName, options: AsyncWebServerOptions = {}): Promise<Peer> {
  const { port } = await bed(test, stack, configure, options);
  const path = join(folder(test), 'file.bin');
  const bytes = randomBytes(FILE_BYTES);
  writeFileSync(path, bytes);
  const scheme = options.tls === undefined ? 'http' : 'https';
  return {
    url: `${scheme}://127.0.0.1:${port}/`,
    path,
    digest: createHash('sha256').update(bytes).digest('hex'),
  };
}

for (const stack of SYSTEM_STACKS) {
  describe(`a body on ${stack}`, () => {
    it('of a form comes from curl', { skip }, async (test) => {
      const { url, path, digest } = await peer(test, stack);
      const text = await output('curl', '-sS', '-F', 'a=1 ä', '-F', `f=@${path};filename=x y.bin`, url);
      const params = [
        ['a', '1 ä', 4],
        ['f', 'x y.bin', FILE_BYTES],
      ];
      assert.deepEqual(JSON.parse(text), { params, digest });
    });

    it('of an upload comes from curl, when it is asked for', { skip }, async (test) => {
      const { url, path, digest } = await peer(test, stack);
      const text = await output('curl', '-sS', '-T', path, '-H', 'Expect: 100-continue', url);
      assert.deepEqual(JSON.parse(text), { params: [], digest });
    });

    it('in chunks comes from curl', { skip }, async (test) => {
      const { url, path, digest } = await peer(test, stack);
      const chunked = ['-H', 'Transfer-Encoding: chunked', '-H', 'Content-Type: x/y'];
      const text = await output('curl', '-sS', ...chunked, '--data-binary', `@${path}`, url);
      assert.deepEqual(JSON.parse(text), { params: [], digest });
    });

    it('that is refused is an answer to curl, which goes on sending', { skip }, async (test) => {
      const { url, path } = await peer(test, stack, { limits: { uploadBytes: 100_000, bodyBytes: 1000 } });
      const tell = ['-sS', '-o', '/dev/null', '-w', '%{http_code} %{size_upload}'];
      const asks = await output('curl', ...tell, '-T', path, '-H', 'Expect: 100-continue', url);
      assert.equal(asks, '413 0');
      for (const version of ['--http1.0', '--http1.1']) {
        assert.match(await output('curl', ...tell, version, '-T', path, '-H', 'Expect:', url), /^413 /);
        const form = ['-H', 'Expect:', '--data-binary', `@${path}`];
        assert.match(await output('curl', ...tell, version, ...form, url), /^413 /);
      }
      const chunked = ['-H', 'Expect:', '-H', 'Transfer-Encoding: chunked', '-T', path];
      assert.match(await output('curl', ...tell, ...chunked, url), /^413 /);
    });

    it('of a form comes from fetch', async (test) => {
      const { url, path, digest } = await peer(test, stack);
      const form = new FormData();
      form.set('a"\r\nb', 'x\r\ny');
      form.set('f', new File([readFileSync(path)], 'ä.bin'));
      const answer = await fetch(url, { method: 'POST', body: form });
      const params = [
        ['a%22%0D%0Ab', 'x\r\ny', 4],
        ['f', 'ä.bin', FILE_BYTES],
      ];
      assert.deepEqual(await answer.json(), { params, digest });
    });

    it(
      'comes over TLS, whose scheme a fetch function sees',
      { skip: unlessInstalled('openssl', 'curl') },
      async (test) => {
        const at = folder(test);
        const files = ['-keyout', `${at}/key.pem`, '-out', `${at}/cert.pem`];
        const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
        await output('openssl', 'req', '-x509', ...kind, ...files, '-subj', '/CN=localhost');
        const tls = { key: readFileSync(`${at}/key.pem`), cert: readFileSync(`${at}/cert.pem`) };
        const { port, raw } = await bed(
          test,
          stack,
          (server) => {
            server.onFetch('', async (request) => new Response(`${request.url} ${await request.text()}`));
          },
          { tls, limits: { uploadBytes: 100 } },
        );
        const url = `https://127.0.0.1:${port}/a`;
        assert.equal(await output('curl', '-sSk', '-d', 'text', url), `${url} text`);
        assert.doesNotMatch(await raw('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), /HTTP/);
        const path = join(at, 'big');
        writeFileSync(path, Buffer.alloc(FILE_BYTES));
        const tell = [
          '-sSk',
          '-o',
          '/dev/null',
          '-w',
          '%{http_code}',
          '-H',
          'Connection: close',
          '-H',
          'Expect:',
        ];
        assert.equal(await output('curl', ...tell, '-T', path, url), '413');
      },
    );
  });
}
