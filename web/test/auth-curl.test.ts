/** curl logs in. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import {
  AsyncAuthenticationMiddleware,
  AsyncAuthType,
  HTTP_ANY,
  type AsyncWebServerRequest,
} from 'asynctcp-web';
import { bed, SYSTEM_STACKS } from './bed.js';
import { curl, WITHOUT_CURL } from './curl.js';

const USERNAME = 'Jürgen "J" \\';
const PASSWORD = 'pä:ß €';
const LOGIN = ['--user', `${USERNAME}:${PASSWORD}`];
const hello = (request: AsyncWebServerRequest): void => {
  request.send(200, 'text/plain', 'hello');
};

for (const stack of SYSTEM_STACKS) {
  describe(`curl on ${stack}`, { skip: WITHOUT_CURL }, () => {
    const curlBed = async (test: TestContext): Promise<{ ask: typeof curl }> => {
      const { port } = await bed(test, stack, (server) => {
        const setting = (type: AsyncAuthType): AsyncAuthenticationMiddleware =>
          new AsyncAuthenticationMiddleware().setAuthType(type).setUsername(USERNAME).setPassword(PASSWORD);
        const digest = setting(AsyncAuthType.AUTH_DIGEST);
        server.on('/digest', HTTP_ANY, hello).addMiddleware(digest);
        // curl keeps a nonce for as long as it follows redirections.
        server
          .on('/away', (request) => {
            request.redirect('/digest');
          })
          .addMiddleware(digest);
        server.on('/basic', hello).addMiddleware(setting(AsyncAuthType.AUTH_BASIC));
        server.on('/bearer', hello).addMiddleware(setting(AsyncAuthType.AUTH_BEARER).setToken('abc'));
      });
      const url = `http://127.0.0.1:${port}`;
      return { ask: (path = '', ...args) => curl('--write-out', ' %{http_code} ', url + path, ...args) };
    };

    it('logs in by digest, with SHA-256, and counts its requests on one connection', async (test) => {
      const { ask } = await curlBed(test);
      const { out, log } = await ask('/away?a=b', '--digest', ...LOGIN, '--location', '--verbose');
      assert.match(out, /^hello 200 $/);
      const logins = [...log.matchAll(/> Authorization: Digest .*nc=(\d+).*algorithm=SHA-256/g)];
      assert.deepEqual(
        logins.map(([, nc]) => nc),
        ['00000001', '00000002'],
      );
      assert.match(log, /Re-using existing connection/);
    });

    it('is refused if it replays what it sent before', async (test) => {
      const { ask } = await curlBed(test);
      const { log } = await ask('/digest', '--digest', ...LOGIN, '--verbose');
      const [, header] = /> (Authorization: Digest .*)\r?\n/.exec(log) ?? [];
      assert.ok(header);
      const replay = await ask('/digest', '--header', header.trim(), '--verbose');
      assert.match(replay.out, /Unauthorized 401 $/);
      assert.match(replay.log, /stale=true/);
    });

    it('is refused without a password, and with a wrong one', async (test) => {
      const { ask } = await curlBed(test);
      for (const [path, flag] of [
        ['/digest', '--digest'],
        ['/basic', '--basic'],
      ] as const) {
        assert.match((await ask(path, flag, '--user', 'x:y')).out, /Unauthorized 401 $/);
      }
      assert.match((await ask('/bearer', '--oauth2-bearer', 'abd')).out, /401 $/);
    });

    it('logs in by basic and by bearer authentication', async (test) => {
      const { ask } = await curlBed(test);
      assert.match((await ask('/basic', '--basic', ...LOGIN)).out, /hello 200 $/);
      assert.match((await ask('/bearer', '--oauth2-bearer', 'abc')).out, /hello 200 $/);
    });

    it('uploads by digest: its body leaves once', async (test) => {
      const { ask } = await curlBed(test);
      const body = 'x'.repeat(100_000);
      const { out } = await ask('/digest', '--digest', ...LOGIN, '--data-binary', body);
      assert.match(out, /hello 200 $/);
    });
  });
}
