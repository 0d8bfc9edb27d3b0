/** Starts brokers and databases of Debian for a test, each on a free port and with a folder of its own. */
import { chownSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { delimiter } from 'node:path';
import type { TestContext } from 'node:test';
import { start, startPeer, type Program } from '../e2e/programs.js';
import { temporaryFolder } from '../e2e/programs/inline.js';
import { freePort } from '../support/free-port.js';

const HOST = '127.0.0.1';
/** The user `nobody` and its group. */
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

// Debian has servers in folders that a user's PATH leaves out.
const POSTGRESQL = '/usr/lib/postgresql';
const versions = existsSync(POSTGRESQL) ? readdirSync(POSTGRESQL) : [];
const folders = versions.map((version) => `${POSTGRESQL}/${version}/bin`);
process.env['PATH'] = [process.env['PATH'], '/usr/sbin', ...folders].join(delimiter);

/**
 * Starts HAProxy, and resolves when its first health check of each server has had an answer.
 * @param sections those behind `defaults`: frontends and backends with `servers` servers that it checks.
 */
export async function startHaproxy(test: TestContext, sections: string, servers: number): Promise<Program> {
  const file = `${temporaryFolder(test)}/haproxy.cfg`;
  writeFileSync(
    file,
    `global
  log stdout format raw daemon
defaults
  log global
  option log-health-checks
  timeout connect 10s
  timeout client 60s
  timeout server 60s
  timeout tunnel 60s
${sections}
`,
  );
  const program = startPeer(test, 'haproxy', '-db', '-f', file);
  for (let checked = 0; checked < servers; checked += 1)
    await program.stdout.line(/^Health check for server/);
  return program;
}

export async function startRedis(test: TestContext): Promise<number> {
  const port = await freePort();
  const args = ['--bind', HOST, '--port', String(port), '--save', '', '--dir', temporaryFolder(test)];
  await startPeer(test, 'redis-server', ...args).stdout.line(/Ready to accept connections/);
  return port;
}

export async function startMosquitto(test: TestContext): Promise<number> {
  const port = await freePort();
  const file = `${temporaryFolder(test)}/mosquitto.conf`;
  writeFileSync(file, `listener ${port} ${HOST}\nallow_anonymous true\nuser root\n`);
  await startPeer(test, 'mosquitto', '-c', file).stderr.line(/running$/);
  return port;
}

/** PostgreSQL does not run as root: then it runs as `nobody`. */
export async function startPostgres(test: TestContext): Promise<number> {
  const port = await freePort();
  const folder = temporaryFolder(test);
  if (isRoot) chownSync(folder, NOBODY, NOBODY);
  const run = (...words: string[]) => {
    const [command = '', ...args] = isRoot
      ? ['setpriv', '--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups', ...words]
      : words;
    return start(test, command, args);
  };
  const data = ['-D', `${folder}/data`];
  await run('initdb', ...data, '-U', 'postgres', '--auth', 'trust', '--no-sync', '--locale', 'C').output();
  const settings = [`port=${port}`, `listen_addresses=${HOST}`, 'unix_socket_directories=', 'fsync=off'];
  const server = run('postgres', ...data, ...settings.flatMap((setting) => ['-c', setting]));
  await server.stderr.line(/ready to accept connections/);
  return port;
}

export async function startMariadb(test: TestContext): Promise<number> {
  const port = await freePort();
  const folder = temporaryFolder(test);
  const data = ['--no-defaults', `--datadir=${folder}/data`, ...(isRoot ? ['--user=root'] : [])];
  await startPeer(test, 'mariadb-install-db', ...data, '--auth-root-authentication-method=normal').output();
  const network = [`--port=${port}`, `--bind-address=${HOST}`, `--socket=${folder}/socket`];
  await startPeer(test, 'mariadbd', ...data, ...network).stderr.line(/ready for connections/);
  return port;
}
