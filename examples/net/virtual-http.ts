/**
 * A server and a client of node:http in a simulated network: a download over a link of 10 Mbit/s with losses
 * takes as long as it would, in virtual time.
 *
 *     node build/virtual-http.js
 */
import assert from 'node:assert/strict';
import http from 'node:http';
import { buffer } from 'node:stream/consumers';
import { carry, connect } from 'asynctcp/net';
import { Network } from 'asynctcp/virtual';

const BYTES = 1_000_000;

const network = new Network({ seed: 1 });
const browser = network.host('browser');
const site = network.host('site');
network.link(browser, site, { delayMs: 25, bitsPerSecond: 10e6, loss: 0.005 });

const server = carry(
  http.createServer((request, response) => response.end(Buffer.alloc(BYTES, request.url))),
  { stack: site.stack },
);
server.listen(80);

function get(path: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const createConnection = () => connect({ host: 'site', port: 80, stack: browser.stack });
    const request = http.get({ host: 'site', path, createConnection }, (response) => {
      buffer(response).then(resolve, reject);
    });
    request.on('error', reject);
  });
}

const body = await network.runUntil(get('/file'));
assert.deepEqual(body, Buffer.alloc(BYTES, '/file'));
console.log(`${body.length} bytes after ${(network.nowMs / 1000).toFixed(2)} s of virtual time`);
