/** Host names and the system's resolver, with an /etc/hosts of the test's own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isRequired } from './programs.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const HOSTS = [
  '127.0.0.1 localhost',
  '::1 both.test',
  '127.0.0.1 both.test',
  '0.0.0.0 blocked.test',
  ':: blocked6.test',
  '0.0.0.0 partly.test',
  '127.0.0.1 partly.test',
];
/** Commands that run another one in a new mount namespace: as root, and without root. */
const WAYS = [
  ['unshare', '--mount'],
  ['unshare', '--user', '--map-root-user', '--mount'],
] as const;

const BOTH = "dns.lookup('both.test', { all: true, verbatim: true }, (error, found) =>";

describe('names', () => {
  const folder = mkdtempSync(join(tmpdir(), 'asynctcp-hosts-'));
  const hosts = join(folder, 'hosts');
  let way: readonly string[] | undefined;

  before(() => {
    writeFileSync(hosts, `${HOSTS.join('\n')}\n`);
    way = WAYS.find(([command, ...options]) => run([command, ...options], ['true']).status === 0);
  });
  after(() => {
    rmSync(folder, { recursive: true });
  });

  function run(words: readonly string[], program: readonly string[]): ReturnType<typeof spawnSync> {
    const [command = '', ...options] = words;
    const mounted = ['sh', '-c', 'mount --bind "$0" /etc/hosts && exec "$@"', hosts];
    return spawnSync(command, [...options, ...mounted, ...program], { cwd: ROOT, encoding: 'utf8' });
  }

  /** Returns the output of a program that sees the test's /etc/hosts. */
  function printed(body: string, options: readonly string[] = []): string {
    assert.ok(way !== undefined);
    const source = `
      import dns from 'node:dns';
      import { AsyncClient, AsyncServer, nodeStack } from 'asynctcp';
      ${body}`;
    const { stdout, stderr, status } = run(way, [
      process.execPath,
      ...options,
      '--input-type=module',
      '-e',
      source,
    ]);
    assert.equal(status, 0, String(stderr));
    return String(stdout);
  }

  function skips(test: { skip: (reason: string) => void }): boolean {
    if (way !== undefined || isRequired) return false;
    test.skip('this user may not mount a file (unshare --mount)');
    return true;
  }

  const RESOLVE = `nodeStack().resolve('both.test', (fault, found) => console.log(found.join()));`;

  it('come in the order that the program and its user chose', (test) => {
    if (skips(test)) return;
    const asSystemHas = printed(`${BOTH} console.log(found.map(({ address }) => address).join()));`);
    assert.equal(printed(RESOLVE, ['--dns-result-order=verbatim']), asSystemHas);
    assert.equal(printed(RESOLVE, ['--dns-result-order=ipv4first']), '127.0.0.1,::1\n');
    assert.equal(printed(`dns.setDefaultResultOrder('ipv4first'); ${RESOLVE}`), '127.0.0.1,::1\n');
    const hasIpv6First = printed(
      "try { dns.setDefaultResultOrder('ipv6first'); console.log('yes'); } catch { console.log('no'); }",
    );
    if (hasIpv6First === 'no\n') return;
    assert.equal(printed(`dns.setDefaultResultOrder('ipv6first'); ${RESOLVE}`), '::1,127.0.0.1\n');
  });

  const CONNECT = `
    const server = new AsyncServer(0);
    server.onClient((client) => client.close());
    await server.begin();
    for (const host of ['blocked.test', 'blocked6.test', 'partly.test', '0.0.0.0']) {
      await AsyncClient.open(host, server.port()).then(
        (client) => console.log(host, client.remoteIP()),
        ({ code, cause }) => console.log(host, code, cause.message),
      );
    }
    await server.end();`;

  it('that a blocklist answers are not this machine, and an address given as such is the program’s', (test) => {
    if (skips(test)) return;
    const lines = printed(CONNECT).split('\n');
    assert.match(lines[0] ?? '', /^blocked\.test -55 blocked\.test resolves to 0\.0\.0\.0/);
    assert.match(lines[1] ?? '', /^blocked6\.test -55 blocked6\.test resolves to ::/);
    assert.deepEqual(lines.slice(2, 4), ['partly.test 127.0.0.1', '0.0.0.0 127.0.0.1']);
  });
});
