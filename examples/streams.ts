/**
 * A chat: each line of a peer goes to all the others. Nothing is buffered without a bound: a peer that types
 * faster than the others read has to wait, and one that has read nothing for 5 s is reset.
 *
 *     node build/examples/streams.js [port [address]]      and to take part: nc 127.0.0.1 7007
 */
import { isIP } from 'node:net';
import type { AsyncClient } from 'asynctcp';
import { listen, readLines, writeLine } from 'asynctcp/streams';

const MAX_LINE_BYTES = 1000;
const PATIENCE_MS = 5000;
/** Time for the members to end their side, when the chat ends. */
const LAST_MS = 1000;

const [portText = '7007', address = '127.0.0.1', ...tooMany] = process.argv.slice(2);
const port = Number(portText);

const members = new Set<AsyncClient>();

/** Sends a line to a member, and resets one that does not take it in time. */
async function tell(member: AsyncClient, line: string): Promise<void> {
  try {
    await writeLine(member, line, { signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    member.abort();
  }
}

async function serve(client: AsyncClient): Promise<void> {
  const name = client.remotePort();
  await tell(client, `you are ${name}, with ${members.size} others`);
  members.add(client);
  try {
    for await (const line of readLines(client, { limit: MAX_LINE_BYTES })) {
      const others = [...members].filter((member) => member !== client);
      await Promise.all(others.map((member) => tell(member, `${name}: ${line}`)));
    }
  } catch (error) {
    console.log(`${name}: ${String(error)}`);
    client.abort();
  } finally {
    members.delete(client);
  }
}

if (!Number.isInteger(port) || port < 0 || port > 65535 || isIP(address) === 0 || tooMany.length > 0) {
  console.error('usage: node streams.js [port [address]]');
  process.exit(2);
}
const clients = listen(port, { address });
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => void clients.end({ clients: 'drain', withinMs: LAST_MS }));
await clients.started;
console.log(`the chat is on ${address} port ${clients.server.port()}`);
for await (const client of clients) void serve(client);
