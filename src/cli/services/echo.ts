/**
 * Echo (RFC 862): sends back every byte that it receives; after the peer's end it sends the rest and closes.
 *
 * A peer that sends without reading has to wait: the acknowledgement of bytes that `write` did not take is
 * withheld, so that the receive window limits how many bytes are in hand.
 */
import type { AsyncClient } from '../../index.js';
import { WITHOUT_COPY, type Service, type Traffic } from './service.js';

function serveEcho(client: AsyncClient, traffic: Traffic): void {
  /** Bytes that were received and not yet taken by `write`, oldest first; at most the receive window. */
  const inHand: Uint8Array[] = [];
  let peerEnded = false;

  const sendOn = (): void => {
    let piece = inHand[0];
    while (piece !== undefined) {
      const taken = client.write(piece, WITHOUT_COPY);
      traffic.bytesOut += taken;
      client.ack(taken);
      if (taken < piece.length) {
        inHand[0] = piece.subarray(taken);
        return;
      }
      inHand.shift();
      piece = inHand[0];
    }
    if (peerEnded) client.close();
  };

  // Otherwise the peer's FIN would close the client before the bytes in hand are sent back.
  client.setAllowHalfOpen(true);
  client.onData((_, data) => {
    traffic.bytesIn += data.length;
    client.ackLater();
    inHand.push(data);
    sendOn();
  });
  client.onAck(sendOn);
  client.onEnd(() => {
    peerEnded = true;
    sendOn();
  });
}

export const echo: Service = {
  name: 'echo',
  wellKnownPort: 7,
  rfc: 862,
  meaning: 'sends back what it receives',
  example: (host, port) => `printf hi | nc -q1 ${host} ${port}`,
  serve: serveEcho,
};
