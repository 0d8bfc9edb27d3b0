/**
 * An echo server (RFC 862) that loses no byte and buffers few. It opens a peer's receive window only as fast
 * as the peer takes its own bytes back: a peer that writes without reading has to wait.
 *
 *     node build/examples/echo.js [port [address]]      and to talk to it: nc 127.0.0.1 7007
 */
import { isIP } from 'node:net';
import { AsyncServer, type AsyncClient } from 'asynctcp';

/** What peers get to end their side when the server ends. */
const GRACE_MS = 1000;

const [portText = '7007', address = '127.0.0.1', ...tooMany] = process.argv.slice(2);
const port = Number(portText);
if (!Number.isInteger(port) || port < 0 || port > 65535 || isIP(address) === 0 || tooMany.length > 0) {
  console.error('usage: node echo.js [port [address]]');
  process.exit(2);
}

const clients = new Set<AsyncClient>();

function echo(client: AsyncClient): void {
  /** Received, and not taken by `add` yet: never more than the receive window. */
  const waiting: Uint8Array[] = [];
  let peerEnded = false;

  const sendBack = (): void => {
    for (let piece = waiting[0]; piece !== undefined && client.canSend(); piece = waiting[0]) {
      // Flags 0: no copy is needed, because data is ours to keep and nobody changes it.
      const taken = client.add(piece, 0);
      if (taken < piece.length) waiting[0] = piece.subarray(taken);
      else waiting.shift();
      // Only now may the peer send as many bytes more.
      client.ack(taken);
    }
    client.send();
    if (peerEnded && waiting.length === 0) client.close();
  };

  // The peer's end would close the client at once, and what is waiting would be lost.
  client.setAllowHalfOpen(true);
  client.onEnd(() => {
    peerEnded = true;
    sendBack();
  });
  client.onData((_, data) => {
    client.ackLater();
    waiting.push(data);
    sendBack();
  });
  client.onAck(sendBack);
  client.onDisconnect(() => {
    clients.delete(client);
  });
  clients.add(client);
}

const server = new AsyncServer(address, port);
server.onClient(echo);
try {
  await server.begin();
  console.log(`echo listens on ${server.address()} port ${server.port()}`);
} catch (error) {
  console.error(String(error));
  process.exitCode = 1;
}

// Nothing else keeps the process alive: it ends by itself once the server and its clients have ended.
process.once('SIGINT', () => {
  void server.end();
  for (const client of clients) client.close();
  setTimeout(() => {
    for (const client of clients) client.abort();
  }, GRACE_MS).unref();
});
