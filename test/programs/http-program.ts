/**
 * The HTTP server under test of `http-load.test.ts` and `slow-upload.test.ts`. GET answers at once. POST
 * reads the body slowly and answers with an `UploadReport`. Each line on stdin asks for a line of `Holdings`,
 * which comes when there is no connection. The end of stdin ends the server.
 *
 * It is written for node:net, and is carried by the hook or, with STACK in the environment, by `carry`.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { memoryBytes } from '../support/process-memory.js';
import { holdings, quiet } from '../soak/holdings.js';

export interface UploadReport {
  readonly bytes: number;
  readonly sha256: string;
  /** Most bytes that the process had taken from the system and the handler had not read. */
  readonly mostHeldBytes: number;
  /** Growth of the resident memory, from the begin of the request to the peak. */
  readonly grownBytes: number;
}

const PAUSE_MS = 1;

async function readSlowly(request: IncomingMessage): Promise<UploadReport> {
  const before = memoryBytes('VmRSS');
  const { socket } = request;
  const bytesBefore = socket.bytesRead;
  const sha256 = createHash('sha256');
  let bytes = 0;
  let mostHeldBytes = 0;
  for await (const data of request as AsyncIterable<Buffer>) {
    mostHeldBytes = Math.max(mostHeldBytes, socket.bytesRead - bytesBefore - bytes);
    bytes += data.length;
    sha256.update(data);
    await setTimeout(PAUSE_MS);
  }
  const grownBytes = memoryBytes('VmHWM') - before;
  return { bytes, sha256: sha256.digest('hex'), mostHeldBytes, grownBytes };
}

const server = createServer((request, response) => {
  if (request.method !== 'POST') {
    response.end('hello');
    return;
  }
  void readSlowly(request).then((report) => response.end(JSON.stringify(report)));
});

// A machine that stops for seconds under load does not make its clients idle.
server.keepAliveTimeout = 0;

const stack = process.env['STACK'];
if (stack === 'kernel' || stack === 'node') {
  const { carry } = await import('asynctcp/net');
  carry(server, { stack });
}
server.listen(0, '127.0.0.1', () => {
  console.log(`listening on port ${(server.address() as AddressInfo).port}`);
});

let connections = 0;
server.on('connection', (socket) => {
  connections += 1;
  socket.on('close', () => (connections -= 1));
});

async function report(): Promise<void> {
  await quiet(
    () => connections > 0,
    () => connections,
  );
  console.log(JSON.stringify(await holdings()));
}

const input = createInterface({ input: process.stdin });
input.on('line', () => void report());
input.on('close', () => server.close());
