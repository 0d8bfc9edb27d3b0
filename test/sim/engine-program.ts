/** A program that shows when its handlers, ticks and microtasks run; for `engines.test.ts`. */
import { AsyncClient, AsyncServer } from '#src/index.js';
import { Network } from '#src/sim/network.js';

const network = new Network({ seed: 1 });
const device = network.host('device');
const server = network.host('server');
network.link(device, server, { delayMs: 10 });

let line = '';
const say = (text: string): void => {
  if (line !== '') console.log(line);
  line = `${network.nowMs} ${text}`;
};

const listener = new AsyncServer(80, { stack: server.stack });
listener.onClient((client) => {
  client.onData((_, data) => {
    client.write(data);
  });
});
await listener.begin();
say('listens');
const client = new AsyncClient({ stack: device.stack });
client.onConnect(() => {
  say('connected');
  process.nextTick(() => {
    line += ', tick';
  });
  client.write('one');
});
client.onData((_, data) => {
  const text = new TextDecoder().decode(data);
  say(`heard ${text}`);
  void Promise.resolve().then(() => {
    line += ', microtask';
  });
  if (text === 'one') client.write('two');
});
client.connect('server', 80);
await network.run(100);
console.log(line);
console.log(`ends at ${network.nowMs}`);
// A port of messages keeps the process alive.
process.exit();
