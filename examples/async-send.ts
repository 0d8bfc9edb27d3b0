/**
 * Sends much data with little memory: it adds at most `space()` bytes, and every acknowledgement makes
 * space for the next piece.
 *
 *     node build/examples/async-send.js host port [megabytes]      to a receiver: nc -l 7007 > /dev/null
 */
import { AsyncClient } from 'asynctcp';

const CONNECT_TIMEOUT_MS = 5000;
/** Time for the receiver to take the bytes that were added, after a signal to end. */
const GRACE_MS = 5000;
/** The data: the bytes 0 to 250, repeated. */
const BLOCK = Uint8Array.from({ length: 251 * 256 }, (_, index) => index % 251);

const [host = '', port = '', megabytesText = '16', ...tooMany] = process.argv.slice(2);
const megabytes = Number(megabytesText);
const total = megabytes * 1_000_000;

let added = 0;
let acknowledged = 0;
let connectedAtMs = 0;
let longestAckMs = 0;

const client = new AsyncClient();

function fill(): void {
  while (added < total && client.canSend()) {
    const offset = added % BLOCK.length;
    // Flags 0: the block never changes, so the client need not copy it.
    added += client.add(BLOCK.subarray(offset, offset + total - added), 0);
  }
  // One call for all pieces sends them together.
  client.send();
}

client.onConnect(() => {
  connectedAtMs = performance.now();
  fill();
});

client.onAck((_, bytes, timeMs) => {
  acknowledged += bytes;
  longestAckMs = Math.max(longestAckMs, timeMs);
  if (acknowledged < total) {
    fill();
    return;
  }
  const tookMs = performance.now() - connectedAtMs;
  console.log(`${total} bytes acknowledged in ${Math.round(tookMs)} ms`);
  console.log(`longest wait for an acknowledgement: ${Math.round(longestAckMs)} ms`);
  client.close();
});

// A receiver that sends nothing may end its side early, and still gets everything.
client.setAllowHalfOpen(true);

client.onError((_, error, cause) => {
  console.error(`${AsyncClient.errorToString(error)} (${cause?.message ?? 'no details'})`);
});

client.onDisconnect(() => {
  if (acknowledged === total) return;
  console.error(`${acknowledged} of ${total} bytes acknowledged`);
  process.exitCode = 1;
});

// All added bytes still arrive; `fill` finds no space from now on.
const stop = (): void => void client.drain({ withinMs: GRACE_MS });
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);

function connect(): boolean {
  try {
    return client.connect(host, Number(port), { timeoutMs: CONNECT_TIMEOUT_MS });
  } catch {
    return false; // The arguments are no host or no port.
  }
}

if (!Number.isInteger(megabytes) || megabytes < 1 || tooMany.length > 0 || !connect()) {
  console.error('usage: node async-send.js host port [megabytes]');
  process.exit(2);
}
