/** Events of one turn of the loop: the order between connections, and the ticks between them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import plain from 'node:net';
import { describe, it } from 'node:test';
import tls from 'node:tls';
import { loadAddon } from '#src/addon/load-addon.js';
import { connect, createServer } from 'asynctcp/net';

const { reason } = loadAddon();

function portOf(server: plain.Server): number {
  const place = server.address();
  assert.ok(typeof place === 'object' && place !== null);
  return place.port;
}

/** Returns a connection of a server, and its peer. */
async function pairOn(server: plain.Server): Promise<{ peer: plain.Socket; socket: plain.Socket }> {
  const accepted: Promise<unknown[]> = once(server, 'connection');
  const peer = plain.connect(portOf(server), '127.0.0.1');
  const [socket] = await accepted;
  assert.ok(socket instanceof plain.Socket);
  if (peer.connecting) await once(peer, 'connect');
  return { peer, socket };
}

/** A key that both ends have: it needs no certificate. */
const psk = Buffer.alloc(16, 1);
const CIPHERS = { ciphers: 'PSK', minVersion: 'TLSv1.3' } as const;
/** Bytes of more than three TLS records, which the kernel delivers in one piece. */
const RECORDS_BYTES = 60_000;

describe('the events of one turn', { skip: reason ?? false }, () => {
  it('pass on the end of one connection before data that arrived later on another', async () => {
    const server = createServer({ stack: 'kernel' });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const first = await pairOn(server);
    const second = await pairOn(server);
    const events: string[] = [];
    first.socket.on('end', () => events.push('end')).resume();
    second.socket.on('data', () => events.push('data'));
    first.peer.destroy();
    second.peer.write('data');
    await Promise.all([once(first.socket, 'end'), once(second.socket, 'data')]);
    assert.deepEqual(events, ['end', 'data']);
    second.peer.destroy();
    server.close();
    await once(server, 'close');
  });

  it('run the ticks of a TLS record before they pass on the next one', async () => {
    const server = tls.createServer({ ...CIPHERS, pskCallback: () => psk }, (socket) => {
      socket.end(Buffer.alloc(RECORDS_BYTES));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = tls.connect({
      ...CIPHERS,
      socket: connect({ host: '127.0.0.1', port: portOf(server), stack: 'kernel' }),
      pskCallback: () => ({ psk, identity: 'client' }),
      checkServerIdentity: () => undefined,
    });
    let received = 0;
    let inTick = 0;
    let most = 0;
    client.on('data', (data: Buffer) => {
      received += data.length;
      inTick += 1;
      most = Math.max(most, inTick);
      process.nextTick(() => (inTick = 0));
    });
    await once(client, 'close');
    server.close();
    assert.equal(received, RECORDS_BYTES);
    assert.equal(most, 1, 'records between two ticks');
  });
});
