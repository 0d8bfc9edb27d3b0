/**
 * A character generator (RFC 864): sends lines without end, as fast as each reader takes them. The process
 * does not grow when a reader stops, because nothing is made before there is space for it.
 *
 *     node build/examples/chargen.js [port [address]]      and to look at it: nc 127.0.0.1 7019 | less
 */
import { isIP } from 'node:net';
import { AsyncServer, type AsyncClient } from 'asynctcp';

const FIRST_CHARACTER = 32;
const CHARACTERS = 95;
const LINE_LENGTH = 72;
/** When a reader that takes nothing is called stopped. */
const STOPPED_MS = 1000;
/** What readers get to take what was sent when the server ends. */
const GRACE_MS = 2000;

const [portText = '7019', address = '127.0.0.1', ...tooMany] = process.argv.slice(2);
const port = Number(portText);
if (!Number.isInteger(port) || port < 0 || port > 65535 || isIP(address) === 0 || tooMany.length > 0) {
  console.error('usage: node chargen.js [port [address]]');
  process.exit(2);
}

/** Each line begins one character later than the line before: after 95 lines it all begins anew. */
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
  // An accepted client is connected already: it has no onConnect to wait for.
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

// Each reader gets what was sent, and then the end; one that has stopped is not waited for longer.
const stop = (): void => void server.end({ clients: 'drain', withinMs: GRACE_MS });
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);
