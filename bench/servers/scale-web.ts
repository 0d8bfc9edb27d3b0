// The web server of `bench/scale.ts`. Variables: PORT; PROXY=1 if HAProxy stands in front.

import { AsyncWebServer, HTTP_GET } from 'asynctcp-web';
import { proxyProtocol } from 'asynctcp/gateway';

/** Steps of a calculation that takes a few tenths of a millisecond. */
const WORK_STEPS = 300_000;

const { PORT, PROXY } = process.env;
const preamble = PROXY === '1' ? proxyProtocol({ trusted: ['127.0.0.1'] }) : undefined;
const server = new AsyncWebServer(Number(PORT), { host: '127.0.0.1', preamble });

/** Returns a number that no compiler knows before it is calculated. */
function work(seed: number): number {
  let value = seed;
  for (let step = 0; step < WORK_STEPS; step += 1) value = (Math.imul(value, 1_103_515_245) + 12_345) | 0;
  return value;
}

server.on('/hello', HTTP_GET, (request) => {
  request.send(200, 'text/plain', 'hello');
});

let seed = 0;
server.on('/work', HTTP_GET, (request) => {
  seed = work(seed + 1);
  request.send(200, 'text/plain', String(seed));
});

await server.begin();
console.log('ready');
