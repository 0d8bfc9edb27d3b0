/**
 * Character generator (RFC 864): sends characters while the peer reads. It shows the API's flow control: it
 * fills `space()` at the beginning and after each acknowledgement, so that a peer that stops reading stops
 * the generator and nothing is buffered beyond that space.
 */
import type { AsyncClient } from '../../index.js';
import { WITHOUT_COPY, type Service, type Traffic } from './service.js';

/**
 * RFC 864: "72 characters of the ASCII printing characters"; each line begins one character later in their
 * ring.
 */
const LINE_CHARACTERS = 72;
const FIRST_PRINTING = 0x20;
const PRINTING = 95;
/** Repetitions of the short pattern in one block, so that few calls fill a connection's space. */
const REPETITIONS = 16;

function patternOfLines(): Uint8Array {
  const ring = Array.from({ length: PRINTING }, (_, index) => String.fromCharCode(FIRST_PRINTING + index));
  const twice = [...ring, ...ring];
  const lines = ring.map((_, first) => `${twice.slice(first, first + LINE_CHARACTERS).join('')}\r\n`);
  return new TextEncoder().encode(lines.join(''));
}

/** One line for each printing character; then the pattern repeats. */
export const CHARGEN_PATTERN = patternOfLines();

const block = new Uint8Array(CHARGEN_PATTERN.length * REPETITIONS);
for (let at = 0; at < block.length; at += CHARGEN_PATTERN.length) block.set(CHARGEN_PATTERN, at);

function serveChargen(client: AsyncClient, traffic: Traffic): void {
  let position = 0;

  const fill = (): void => {
    while (client.canSend()) {
      const taken = client.add(block.subarray(position), WITHOUT_COPY);
      position = (position + taken) % CHARGEN_PATTERN.length;
      traffic.bytesOut += taken;
    }
    client.send();
  };

  client.onData((_, data) => {
    traffic.bytesIn += data.length;
  });
  client.onAck(fill);
  client.onPoll(fill);
  // An accepted client is already connected: its `onConnect` is never called.
  fill();
}

export const chargen: Service = {
  name: 'chargen',
  wellKnownPort: 19,
  rfc: 864,
  meaning: 'sends characters while the peer reads',
  example: (host, port) => `nc -d ${host} ${port} | head -5`,
  serve: serveChargen,
};
