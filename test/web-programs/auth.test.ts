/** The ways in which clients prove who they are: with curl, and with node:http on a memory stack. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { curl, endExample, startExample, SYSTEM_STACKS } from './example.js';
import { listenInMemory } from './memory.js';

const LOGIN = ['--user', 'admin:secret'];
const WRONG = ['--user', 'admin:geheim'];

for (const [stack, skip] of SYSTEM_STACKS) {
  describe(`auth on ${stack}`, { skip }, () => {
    it('lets curl in by basic, digest and bearer authentication, and refuses what is wrong', async (test) => {
      const example = await startExample(test, 'auth', stack);
      const ask = (path: string, ...options: string[]): Promise<string> =>
        curl(test, '--write-out', ' %{http_code}', ...options, example.url + path);
      assert.equal(await ask('/basic', '--basic', ...LOGIN), 'welcome to /basic 200');
      assert.equal(await ask('/basic', '--basic', ...WRONG), 'the password, please 401');
      assert.equal(await ask('/basic'), 'the password, please 401');
      for (const path of ['/digest', '/short']) {
        assert.equal(await ask(path, '--digest', ...LOGIN), `welcome to ${path} 200`);
        assert.equal(await ask(path, '--digest', ...WRONG), 'Unauthorized 401');
        assert.equal(await ask(path, '--basic', ...LOGIN), 'Unauthorized 401');
      }
      assert.equal(await ask('/bearer', '--oauth2-bearer', '6f7a-81c2'), 'welcome to /bearer 200');
      assert.equal(await ask('/bearer', '--oauth2-bearer', '6f7a-81c3'), 'Unauthorized 401');
      await endExample(example);
    });

    it('lets a reader read, and only the owner write', async (test) => {
      const { url } = await startExample(test, 'auth', stack);
      const ask = (key: string, ...options: string[]): Promise<string> =>
        curl(
          test,
          '--write-out',
          ' %{http_code}',
          '--header',
          `X-Api-Key: ${key}`,
          ...options,
          `${url}/settings`,
        );
      const put = ['--request', 'PUT', '--header', 'Content-Type: text/plain', '--data', 'bright'];
      assert.equal(await ask('reader'), 'welcome to /settings 200');
      assert.equal(await ask('reader', ...put), 'Forbidden 403');
      assert.equal(await ask('owner', ...put), 'stored 6 characters 200');
      assert.equal(await ask('visitor'), 'Forbidden 403');
    });

    it('asks for a password only for a part of what a handler does', async (test) => {
      const { url } = await startExample(test, 'auth', stack);
      assert.equal(await curl(test, `${url}/greeting`), 'hello');
      assert.equal(await curl(test, `${url}/greeting?full`), 'Unauthorized');
      assert.equal(await curl(test, ...LOGIN, `${url}/greeting?full`), 'hello, admin');
    });
  });
}

const sha256 = (...parts: string[]): string => createHash('sha256').update(parts.join(':')).digest('hex');

/** Returns the answer to a challenge of digest authentication (RFC 7616). */
function digestOf(challenge: string, uri: string, password: string): string {
  const find = (name: string): string => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1] ?? '';
  const [nonce, opaque] = [find('nonce'), find('opaque')];
  const [user, realm, nc, cnonce] = ['admin', 'lamp', '00000001', 'abcdef'];
  const ends = [sha256(user, realm, password), sha256('GET', uri)] as const;
  const response = sha256(ends[0], nonce, nc, cnonce, 'auth', ends[1]);
  const who = `username="${user}", realm="${realm}", nonce="${nonce}", opaque="${opaque}", uri="${uri}"`;
  return `Digest ${who}, algorithm=SHA-256, qop=auth, nc=${nc}, cnonce="${cnonce}", response="${response}"`;
}

describe('auth on memory', () => {
  it('lets a client in by basic, digest and bearer authentication, and refuses what is wrong', async (test) => {
    const { port, open } = await listenInMemory(test, () => import('asynctcp-examples-web/auth'));
    const get = (path: string, headers: http.OutgoingHttpHeaders = {}): Promise<http.IncomingMessage> =>
      new Promise((resolve, reject) => {
        http.get({ path, port, headers, createConnection: open }, resolve).once('error', reject);
      });
    const ask = async (path: string, headers: http.OutgoingHttpHeaders): Promise<string> => {
      const answer = await get(path, headers);
      return `${await text(answer)} ${String(answer.statusCode)}`;
    };
    const digest = async (password: string): Promise<string> => {
      const refused = await get('/digest');
      refused.resume();
      const challenges = refused.headers['www-authenticate']?.split(/, (?=Digest )/) ?? [];
      const challenge = challenges.find((line) => line.includes('SHA-256')) ?? '';
      return ask('/digest', { authorization: digestOf(challenge, '/digest', password) });
    };
    const basic = (login: string): string => `Basic ${Buffer.from(login).toString('base64')}`;
    assert.equal(await ask('/basic', { authorization: basic('admin:secret') }), 'welcome to /basic 200');
    assert.equal(await ask('/basic', { authorization: basic('admin:') }), 'the password, please 401');
    assert.equal(await digest('secret'), 'welcome to /digest 200');
    assert.equal(await digest('geheim'), 'Unauthorized 401');
    assert.equal(await ask('/bearer', { authorization: 'Bearer 6f7a-81c2' }), 'welcome to /bearer 200');
    assert.equal(await ask('/bearer', { authorization: 'Bearer x' }), 'Unauthorized 401');
    assert.equal(await ask('/settings', { 'x-api-key': 'reader' }), 'welcome to /settings 200');
    assert.equal(await ask('/settings', { 'x-api-key': 'visitor' }), 'Forbidden 403');
  });
});
