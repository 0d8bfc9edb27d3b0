/**
 * Fetches web pages over plain HTTP/1.1, all at once, each with a client of its own. No step lasts for
 * ever: the connect and the silence between two pieces of an answer have timeouts.
 *
 *     node build/examples/fetch-website.js [host[:port][/path]]...
 */
import { AsyncClient } from 'asynctcp';

const CONNECT_TIMEOUT_MS = 5000;
const SILENCE_TIMEOUT_S = 5;
/** Characters; longer status lines are cut off. */
const MAX_STATUS_LINE = 1000;

function request(site: URL): string {
  const lines = [
    `GET ${site.pathname}${site.search} HTTP/1.1`,
    `Host: ${site.host}`,
    'Accept: */*',
    // Makes the end of the connection the end of the answer.
    'Connection: close',
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

function fetchSite(site: URL): void {
  const client = new AsyncClient();
  const decoder = new TextDecoder();
  let beginning = '';
  let bytes = 0;
  let problem: string | undefined;

  client.setRxTimeout(SILENCE_TIMEOUT_S);
  client.onConnect(() => {
    client.write(request(site));
  });
  client.onData((_, data) => {
    bytes += data.length;
    if (beginning.length < MAX_STATUS_LINE) beginning += decoder.decode(data, { stream: true });
  });

  client.onError((_, error, cause) => {
    problem = `${AsyncClient.errorToString(error)} (${cause?.message ?? 'no details'})`;
  });
  client.onDisconnect((_, reason) => {
    // The timeout closes the client; otherwise the server has ended the answer.
    if (reason === 'rxTimeout') problem = `nothing came for ${SILENCE_TIMEOUT_S} s`;
    const [statusLine = ''] = beginning.split('\r\n', 1);
    console.log(`${site.host}: ${problem ?? `${statusLine}, ${bytes} bytes`}`);
    if (problem !== undefined) process.exitCode = 1;
  });

  // An IPv6 address has brackets in a URL only.
  const host = site.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = Number(site.port === '' ? 80 : site.port);
  if (!client.connect(host, port, { timeoutMs: CONNECT_TIMEOUT_MS })) {
    throw new RangeError(`nothing can connect to ${site.host}`);
  }
}

const sites = process.argv.length > 2 ? process.argv.slice(2) : ['example.com', 'example.org'];
try {
  for (const site of sites.map((text) => new URL(`http://${text}`))) fetchSite(site);
} catch {
  console.error('usage: node fetch-website.js [host[:port][/path]]...');
  process.exit(2);
}
