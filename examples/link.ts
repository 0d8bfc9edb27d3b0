/**
 * Sends each line that you type over a link that stays up, and prints the lines that come back. The link is
 * made again by itself when the server restarts, when the cable is pulled, and when the server does not read.
 *
 *     node build/examples/link.js host port      to a server: nc -lk 7007
 */
import { createInterface } from 'node:readline';
import { LinkKeeper } from 'asynctcp/gateway';
import { readLines, writeLine } from 'asynctcp/streams';

/** Time for the server to take the last lines, after Ctrl-C or Ctrl-D. */
const GRACE_MS = 2000;

const [host = '', port = '', ...tooMany] = process.argv.slice(2);

function makeLink(): LinkKeeper {
  if (tooMany.length > 0) throw new RangeError('too many arguments');
  return new LinkKeeper(host, Number(port), {
    connectTimeoutMs: 5000,
    stalledWriteMs: 10_000,
    backoff: { firstMs: 250, capMs: 30_000 },
  });
}

function run(link: LinkKeeper): void {
  link.onUp(async (client) => {
    console.log(`up: ${link.name}`);
    // An exception in here counts as a failure of the link.
    for await (const line of readLines(client)) console.log(`> ${line}`);
  });
  link.onDown(({ reason, text }) => {
    console.log(`down: ${reason}: ${text}`);
  });
  link.onRetry(({ reason, text }, delayMs) => {
    console.log(`again in ${Math.round(delayMs)} ms, after ${reason}: ${text}`);
  });
  const input = createInterface({ input: process.stdin });
  input.on('line', (line) => {
    if (link.client === undefined) console.log(`not sent: ${line}`);
    else writeLine(link.client, line).catch(console.error);
  });
  const stop = (): void => {
    input.close();
    void link.end({ client: 'drain', withinMs: GRACE_MS });
  };
  input.once('close', stop);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, stop);
  link.start();
}

let link: LinkKeeper;
try {
  link = makeLink();
} catch {
  console.error('usage: node link.js host port');
  process.exit(2);
}
run(link);
