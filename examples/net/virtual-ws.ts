/**
 * A WebSocket of the library ws in a simulated network: the server pings every 30 s, and finds a client whose
 * network is gone.
 *
 *     node build/virtual-ws.js
 */
import http from 'node:http';
import { carry, connect } from 'asynctcp/net';
import { Network } from 'asynctcp/virtual';
import { WebSocket, WebSocketServer } from 'ws';

const PING_MS = 30_000;

const network = new Network({ seed: 1 });
using _timers = network.installGlobals();
const phone = network.host('phone');
const cloud = network.host('cloud');
const link = network.link(phone, cloud, { delayMs: 60, jitterMs: 20 });

const web = carry(http.createServer(), { stack: cloud.stack });
web.listen(80);
const gone = new Promise<void>((resolve) => {
  new WebSocketServer({ server: web }).on('connection', (socket) => {
    let isAlive = true;
    const timer = setInterval(() => {
      if (!isAlive) socket.terminate();
      isAlive = false;
      socket.ping();
    }, PING_MS);
    socket.on('pong', () => (isAlive = true));
    socket.on('message', (data) => socket.send(data));
    socket.on('close', () => {
      clearInterval(timer);
      resolve();
    });
  });
});

const socket = new WebSocket('ws://cloud/', {
  createConnection: () => connect({ host: 'cloud', port: 80, stack: phone.stack }),
});
await network.runUntil(new Promise((resolve) => socket.once('open', resolve)));
socket.send('hello');
const [answer] = await network.runUntil(
  new Promise<Buffer[]>((resolve) => {
    socket.once('message', (data: Buffer) => resolve([data]));
  }),
);
console.log(`${String(answer)} came back after ${network.nowMs.toFixed(0)} ms`);

await network.run(10 * PING_MS);
console.log(`after ${network.nowMs / 1000} s: ${socket.readyState === WebSocket.OPEN ? 'open' : 'closed'}`);
link.cut();
await network.runUntil(gone);
console.log(`the server gave up after ${(network.nowMs / 1000).toFixed(0)} s`);
