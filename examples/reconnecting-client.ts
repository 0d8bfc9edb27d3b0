/**
 * Stays connected: when the connection ends or cannot be made, the same client tries again, with exponential
 * backoff and jitter. While it is connected, it sends a number every second.
 *
 *     node build/examples/reconnecting-client.js host port      to a server: nc -lk 7007
 */
import { AsyncClient } from 'asynctcp';

const CONNECT_TIMEOUT_MS = 5000;
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 30_000;
/** Time for the server to take the last numbers, after a signal to end. */
const GRACE_MS = 2000;
/** Calls of `onPoll`, which comes every 500 ms, for each number. */
const POLLS_PER_NUMBER = 2;

const [host = '', port = '', ...tooMany] = process.argv.slice(2);
const client = new AsyncClient();
let failures = 0;
let polls = 0;
let nextNumber = 0;
let isStopping = false;
let timer: NodeJS.Timeout | undefined;

function tell(state: string): void {
  console.log(`${new Date().toISOString()} ${state}`);
}

function connect(): boolean {
  const begins = client.connect(host, Number(port), { timeoutMs: CONNECT_TIMEOUT_MS });
  if (begins) tell('connecting');
  return begins;
}

/**
 * Returns the delay; half of it is random, so that the clients of a restarted server do not all return at
 * once.
 */
function delayMs(): number {
  const longestMs = Math.min(FIRST_DELAY_MS * 2 ** failures, LONGEST_DELAY_MS);
  return Math.round(longestMs * (0.5 + Math.random() / 2));
}

client.onConnect(() => {
  tell(`connected to ${client.remoteIP()} port ${client.remotePort()}`);
});

client.onPoll(() => {
  // Not in `onConnect`: a server that accepts and closes at once would be retried without a delay.
  failures = 0;
  polls += 1;
  // A number that finds no space is sent at the next poll.
  if (polls >= POLLS_PER_NUMBER && client.write(`${nextNumber}\n`) > 0) {
    nextNumber += 1;
    polls = 0;
  }
});

// The server has acknowledged nothing for a while. The TCP of a slow server, whose window is closed, still
// answers our probes, whose interval doubles each time; a vanished server does not. On a stack that does
// not report answers, such as `node`, every silence counts as a vanished server.
client.onTimeout((_, timeMs, heardAgoMs = timeMs) => {
  if (heardAgoMs > 0.75 * timeMs) client.abort();
});

client.onError((_, error, cause) => {
  tell(`failed: ${AsyncClient.errorToString(error)} (${cause?.message ?? 'no details'})`);
});

client.onDisconnect(() => {
  if (isStopping) {
    tell('disconnected');
    return;
  }
  const waitMs = delayMs();
  failures += 1;
  tell(`disconnected, trying again in ${waitMs} ms`);
  timer = setTimeout(connect, waitMs);
});

function stop(): void {
  tell('stopping');
  isStopping = true;
  clearTimeout(timer);
  void client.drain({ withinMs: GRACE_MS });
}
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);

try {
  if (tooMany.length > 0 || !connect()) throw new RangeError('arguments that can never work');
} catch {
  console.error('usage: node reconnecting-client.js host port');
  process.exit(2);
}
