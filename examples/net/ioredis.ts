/** ioredis: 50 connections count together, a megabyte is stored and read, and a message is published. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { AbstractConnector, Redis } from 'ioredis';
import { connect, explicitly, MEGABYTE } from './network.js';

const port = Number(process.argv[2] ?? 6379);
const DISCONNECT_TIMEOUT_MS = 2000;

class Connector extends AbstractConnector {
  constructor() {
    super(DISCONNECT_TIMEOUT_MS);
  }

  override connect() {
    this.connecting = true;
    this.stream = connect({ port, host: '127.0.0.1' });
    return Promise.resolve(this.stream);
  }
}

const open = () => new Redis({ port, retryStrategy: null, ...explicitly({ Connector }) });
const clients = Array.from({ length: 50 }, open);
const [client = open()] = clients;

await client.del('counter');
await Promise.all(clients.flatMap((each) => [each.incr('counter'), each.incr('counter')]));
console.log(`the counter is ${String(await client.get('counter'))}`);

await client.set('megabyte', MEGABYTE);
assert.deepEqual(await client.getBuffer('megabyte'), MEGABYTE);
console.log('the megabyte came back');

const subscriber = open();
await subscriber.subscribe('news');
const heard = once(subscriber, 'message');
await client.publish('news', 'hello');
console.log(`heard ${(await heard).join(': ')}`);

await Promise.all([...clients, subscriber].map((each) => each.quit()));
