/**
 * An echo server (RFC 862) that loses no byte and buffers few. It opens the receive window for a peer as
 * fast as the peer takes its bytes back: a peer that writes without reading has to wait.
 *
 *     node build/examples/echo.js [port [address]]      and to talk to it: nc 127.0.0.1 7007
 */
import { isIP } from 'node:net';
import { AsyncServer, type AsyncClient } from 'asynctcp';

/** Time for peers to finish what they are sending, when the server ends. */
const GRACE_MS = 5000;
/** Time for peers to take the rest and to end their side after that. */
const LAST_MS = 1000;

const [portText = '7007', address = '127.0.0.1', ...tooMany] = process.argv.slice(2);
const port = Number(portText);
if (!Number.isInteger(port) || port < 0 || port > 65535 || isIP(address) === 0 || tooMany.length > 0) {
  console.error('usage: node echo.js [port [address]]');
  process.exit(2);
}

let isStopping = false;

function echo(client: AsyncClient): void {
  /** Bytes that were received and not yet taken by `add`: at most the receive window. */
  const waiting: Uint8Array[] = [];
  let peerEnded = false;
  let heard = false;

  const sendBack = (): void => {
    for (let piece = waiting[0]; piece !== undefined && client.canSend(); piece = waiting[0]) {
      // Flags 0: no copy is needed, because received bytes belong to the program and never change.
      const taken = client.add(piece, 0);
      if (taken < piece.length) waiting[0] = piece.subarray(taken);
      else waiting.shift();
      // Opens the window: the peer may send as many further bytes.
      client.ack(taken);
    }
    client.send();
    if (peerEnded && waiting.length === 0) client.close();
  };

  // Otherwise the peer's end would close the client at once, and the waiting bytes would be lost.
  client.setAllowHalfOpen(true);
  client.onEnd(() => {
    peerEnded = true;
    sendBack();
  });
  client.onData((_, data) => {
    heard = true;
    client.ackLater();
    waiting.push(data);
    sendBack();
  });
  client.onAck(sendBack);
  client.onPoll(() => {
    // After half a second of silence, and with nothing to send back, the peer is considered done.
    if (isStopping && !heard && waiting.length === 0) void client.drain({ withinMs: LAST_MS });
    heard = false;
  });
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

/**
 * Lets peers continue for a while, because a FIN at once would cut off the echo of bytes on their way. The
 * process ends by itself once the server and its clients have ended.
 */
function stop(): void {
  isStopping = true;
  void server.end();
  setTimeout(() => void server.end({ clients: 'drain', withinMs: LAST_MS }), GRACE_MS).unref();
}
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);
