/** TLS clients with a certificate: 50 at once get a greeting by their name, and a megabyte back. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { connect, MEGABYTE, stack } from './network.js';

const [, , port = '8443', folder = '.'] = process.argv;
const read = (name: string) => readFileSync(`${folder}/${name}.pem`);
const identity = { key: read('client-key'), cert: read('client'), ca: read('ca') };

async function talk(bytes: Buffer): Promise<void> {
  const target = { port: Number(port), host: '127.0.0.1' };
  const socket = tls.connect({
    ...identity,
    servername: 'localhost',
    ...(stack === undefined ? target : { socket: connect(target) }),
  });
  await once(socket, 'secureConnect');
  assert.ok(socket.authorized);
  socket.end(bytes);
  const answer = Buffer.concat(await socket.toArray());
  const end = answer.indexOf('\n') + 1;
  assert.equal(answer.toString('utf8', 0, end), 'hello client\n');
  assert.deepEqual(answer.subarray(end), bytes);
}

await Promise.all(Array.from({ length: 50 }, (_, id) => talk(MEGABYTE.subarray(id * 20_000))));
console.log('50 clients got every byte back');
