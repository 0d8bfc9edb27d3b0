/**
 * The life of a client, callback by callback: it connects, sends one line, prints what comes back, and
 * closes after the first whole line.
 *
 *     node build/examples/client.js host port words...      e.g. 127.0.0.1 7007 hello there
 */
import { AsyncClient } from 'asynctcp';

const CONNECT_TIMEOUT_MS = 5000;
const ANSWER_TIMEOUT_S = 10;

const [host = '', port = '', ...words] = process.argv.slice(2);
const decoder = new TextDecoder();
const client = new AsyncClient();

client.onConnect(() => {
  console.log(`connected to ${client.remoteIP()} port ${client.remotePort()}`);
  // `write` takes a string whole or not at all.
  if (client.write(`${words.join(' ')}\n`) === 0) {
    console.error(`the line is longer than the ${client.space()} bytes that the client takes at once`);
    client.abort();
  }
});

client.onAck((_, bytes, timeMs) => {
  console.log(`acknowledged: ${bytes} bytes after ${Math.round(timeMs)} ms`);
});

client.onData((_, data) => {
  // TCP carries bytes, not lines: a piece may hold half a line, and even half a character.
  const text = decoder.decode(data, { stream: true });
  console.log(`received: ${JSON.stringify(text)}`);
  if (text.includes('\n')) client.close();
});

client.onError((_, error, cause) => {
  console.error(`error ${error}: ${AsyncClient.errorToString(error)} (${cause?.message ?? 'no details'})`);
  process.exitCode = 1;
});

// The last callback in any case, also after an error.
client.onDisconnect(() => {
  console.log('disconnected');
});

// Closes the client if the server does not answer.
client.setRxTimeout(ANSWER_TIMEOUT_S);

function connect(): boolean {
  try {
    return client.connect(host, Number(port), { timeoutMs: CONNECT_TIMEOUT_MS });
  } catch {
    return false; // The arguments are no host or no port.
  }
}

if (words.length === 0 || !connect()) {
  console.error('usage: node client.js host port words...');
  process.exit(2);
}
