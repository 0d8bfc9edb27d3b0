/**
 * Random headers on a server, in virtual time: none crashes it, none that is wrong passes, none that is right
 * is refused, and nothing is left behind. The variables ASYNCTCP_PROXY_HEADERS and ASYNCTCP_PROXY_SEED set
 * the number of headers and the seed.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { AsyncClient, AsyncServer, memoryStack } from 'asynctcp';
import { proxyInfo, proxyProtocol } from 'asynctcp/gateway';
import { Random } from '../support/random.js';
import { addressIn, randomHeader } from './proxy-headers.js';

const HEADERS = Number(process.env['ASYNCTCP_PROXY_HEADERS'] ?? 3000);
const SEED = Number(process.env['ASYNCTCP_PROXY_SEED'] ?? Date.now());
/** Connections at once. */
const AT_ONCE = 100;
const MOST_BYTES = 536;
const HOST = '127.0.0.1';
const PORT = 7;

function torn(random: Random, bytes: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += pieces.at(-1)?.length ?? 0) {
    const length = random.isOneIn(2) ? bytes.length : random.size(bytes.length);
    pieces.push(bytes.slice(at, at + length));
  }
  return pieces;
}

it(`random headers neither crash nor pass: ${HEADERS} of seed ${SEED}`, async (test) => {
  const random = new Random(SEED);
  const stack = memoryStack();
  const preamble = proxyProtocol({ trusted: [HOST], maxBytes: MOST_BYTES });
  const server = new AsyncServer(PORT, { stack, preamble });
  /** Addresses of the clients that the server has shown, by the port of the proxy's end. */
  const shown = new Map<number | undefined, string>();
  server.onClient((client) => {
    const port = proxyInfo(client)?.proxy.port;
    assert.equal(shown.has(port), false, 'a client is shown once');
    shown.set(port, client.remoteIP());
  });
  await server.begin();
  const idle = stack.holdings();

  let malformed = 0;
  for (let headers = 0; headers < HEADERS; headers += AT_ONCE) {
    const tries = await Promise.all(
      Array.from({ length: AT_ONCE }, async () => {
        const bytes = randomHeader(random);
        const client = await AsyncClient.open(HOST, PORT, { stack });
        return { bytes, client, port: client.localPort(), pieces: torn(random, bytes) };
      }),
    );
    while (tries.some(({ pieces }) => pieces.length > 0)) {
      for (const { client, pieces } of tries) client.write(pieces.shift() ?? '');
      await stack.settle();
    }
    for (const { bytes, port } of tries) {
      const expected = addressIn(bytes, MOST_BYTES);
      const address = expected === 'own' ? HOST : expected;
      assert.equal(shown.get(port), address, Buffer.from(bytes).toString('latin1'));
      if (address === undefined) malformed += 1;
    }
    for (const { client } of tries) client.abort();
    await stack.settle();
    shown.clear();
  }

  assert.deepEqual([stack.holdings(), server.count()], [idle, 0], 'what is left');
  const { passed, refused } = preamble.figures();
  assert.equal(refused.malformed + refused.tooLong + refused.ended, malformed);
  test.diagnostic(`${malformed} were malformed, ${passed} were good`);
  // Both kinds are there in numbers.
  assert.ok(
    malformed > HEADERS / 5 && passed > HEADERS / 5,
    `${malformed} were malformed, ${passed} were good`,
  );
});
