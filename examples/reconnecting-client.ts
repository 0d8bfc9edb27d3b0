/**
 * Stays connected: whenever the connection ends or cannot be made, the same client tries again, after a delay
 * that doubles up to a bound. While connected, it sends a number every second.
 *
 *     node build/examples/reconnecting-client.js host port      to a server: nc -lk 7007
 */
import { AsyncClient } from 'asynctcp';

const CONNECT_TIMEOUT_MS = 5000;
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 30_000;
/** What the server gets to take the last numbers when the program is told to end. */
const GRACE_MS = 2000;
/** Of `onPoll`, which comes every 500 ms. */
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

/** Half of it is chance, so that the clients of a server that was gone do not all come back at once. */
function delayMs(): number {
  const longestMs = Math.min(FIRST_DELAY_MS * 2 ** failures, LONGEST_DELAY_MS);
  return Math.round(longestMs * (0.5 + Math.random() / 2));
}

client.onConnect(() => {
  tell(`connected to ${client.remoteIP()} port ${client.remotePort()}`);
});

client.onPoll(() => {
  // Not in onConnect: a server that accepts and hangs up at once is not to be tried again and again at once.
  failures = 0;
  polls += 1;
  // A number that there is no space for is sent at the next poll.
  if (polls >= POLLS_PER_NUMBER && client.write(`${nextNumber}\n`) > 0) {
    nextNumber += 1;
    polls = 0;
  }
});

// Nothing is acknowledged any more. A slow server has closed its window, and its TCP still answers the probes
// that ours sends, each after twice the time of the last; of one that is gone without a word nothing is heard
// at all. A stack that cannot know, such as `node`, takes every silence for the latter.
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
