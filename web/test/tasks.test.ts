/** A web server whose task ends (`asynctcp run --tasks`). */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';

const COMMAND = fileURLToPath(new URL('./cli/main.js', import.meta.resolve('asynctcp')));
const WEB = import.meta.resolve('asynctcp-web');

it('a web server whose task ends closes its WebSockets with 1001', { timeout: 60_000 }, async (test) => {
  const folder = mkdtempSync(join(tmpdir(), 'asynctcp-'));
  test.after(() => {
    rmSync(folder, { recursive: true });
  });
  const file = join(folder, 'program.mjs');
  writeFileSync(
    file,
    `import { AsyncWebServer, AsyncWebSocket } from '${WEB}';
    const server = new AsyncWebServer(0, { host: '127.0.0.1' });
    server.addHandler(new AsyncWebSocket('/ws'));
    await server.begin();
    console.log(server.port());`,
  );
  const child = spawn(process.execPath, [COMMAND, 'run', '-q', '--tasks', '1', file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  test.after(() => child.kill('SIGKILL'));
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  const socket = new WebSocket(`ws://127.0.0.1:${port.toString().trim()}/ws`);
  await once(socket, 'open');
  const ended = once(child, 'exit');
  const closed = once(socket, 'close');
  child.kill('SIGTERM');
  const [code] = (await closed) as [number];
  assert.equal(code, 1001);
  assert.deepEqual(await ended, [0, null]);
});
