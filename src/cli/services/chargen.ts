/**
 * Character generator (RFC 864): sends characters for as long as the peer reads. It fills `space()` at the
 * beginning and whenever the peer made room, and so shows the API's flow control: a peer that stops reading
 * stops the generator, and nothing piles up.
 */
import type { AsyncClient } from '../../index.js';
import { WITHOUT_COPY, type Service, type Traffic } from './service.js';

/** RFC 864: "72 characters of the ASCII printing characters", each line a step further in their ring. */
const LINE_CHARACTERS = 72;
const FIRST_PRINTING = 0x20;
const PRINTING = 95;
/** The pattern is short: repeated, few calls fill a connection's space. */
const REPETITIONS = 16;

function patternOfLines(): Uint8Array {
  const ring = Array.from({ length: PRINTING }, (_, index) => String.fromCharCode(FIRST_PRINTING + index));
  const twice = [...ring, ...ring];
  const lines = ring.map((_, first) => `${twice.slice(first, first + LINE_CHARACTERS).join('')}\r\n`);
  return new TextEncoder().encode(lines.join(''));
}

/** After as many lines as there are printing characters, all begins anew. */
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
  // An accepted client is connected already: there is no onConnect to begin from.
  fill();
}

export const chargen: Service = {
  name: 'chargen',
  wellKnownPort: 19,
  rfc: 864,
  meaning: 'sends characters for as long as they are read',
  example: (host, port) => `nc -d ${host} ${port} | head -5`,
  serve: serveChargen,
};
