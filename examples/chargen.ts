/**
 * A character generator (RFC 864): sends endless lines, as fast as each reader takes them. A reader that
 * stops costs no memory, because bytes are only made when there is space for them.
 *
 *     node build/examples/chargen.js [port [address]]      and to look at it: nc 127.0.0.1 7019 | less
 */
import { isIP } from 'node:net';
import { AsyncServer, type AsyncClient } from 'asynctcp';

const FIRST_CHARACTER = 32;
const CHARACTERS = 95;
const LINE_LENGTH = 72;
/** A reader that takes nothing for this time is reported as stopped. */
const STOPPED_MS = 1000;
/** Time for the readers to take the bytes that were sent, when the server ends. */
const GRACE_MS = 2000;

const [portText = '7019', address = '127.0.0.1', ...tooMany] = process.argv.slice(2);
const port = Number(portText);
if (!Number.isInteger(port) || port < 0 || port > 65535 || isIP(address) === 0 || tooMany.length > 0) {
  console.error('usage: node chargen.js [port [address]]');
  process.exit(2);
}

/**
 * Returns 95 lines, each of which begins one character later than the line before; then the pattern
 * repeats.
 */
function makePattern(): Uint8Array {
  const characters = Array.from({ length: CHARACTERS }, (_, i) => String.fromCharCode(FIRST_CHARACTER + i));
  const twice = [...characters, ...characters].join('');
  const lines = characters.map((_, first) => `${twice.slice(first, first + LINE_LENGTH)}\r\n`);
  return new TextEncoder().encode(lines.join(''));
}

const pattern = makePattern();

function generate(client: AsyncClient): void {
  const name = `${client.remoteIP()} port ${client.remotePort()}`;
  let position = 0;
  let stopped = false;

  const fill = (): void => {
    while (client.canSend()) {
      // Flags 0: the pattern never changes, so all clients send from the same bytes.
      position += client.add(pattern.subarray(position), 0);
      position %= pattern.length;
    }
    client.send();
  };

  client.onAck(() => {
    if (stopped) console.log(`${name} reads on`);
    stopped = false;
    fill();
  });
  client.setAckTimeout(STOPPED_MS);
  client.onTimeout(() => {
    if (!stopped) console.log(`${name} has stopped reading`);
    stopped = true;
  });
  // An accepted client is already connected: its `onConnect` is never called.
  fill();
}

const server = new AsyncServer(address, port);
server.onClient(generate);
try {
  await server.begin();
  console.log(`chargen listens on ${server.address()} port ${server.port()}`);
} catch (error) {
  console.error(String(error));
  process.exitCode = 1;
}

// Each reader gets the bytes that were sent, and then the end. A stopped reader is reset after the time.
const stop = (): void => void server.end({ clients: 'drain', withinMs: GRACE_MS });
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);
