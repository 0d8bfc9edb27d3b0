/** 50 MQTT.js clients on one broker: one publishes texts and a megabyte, and every other one gets them. */
import assert from 'node:assert/strict';
import { connectAsync, MqttClient } from 'mqtt';
import { connect, MEGABYTE, stack } from './network.js';

const port = Number(process.argv[2] ?? 1883);

function open(): Promise<MqttClient> {
  if (stack === undefined) return connectAsync(`mqtt://127.0.0.1:${port}`);
  const client = new MqttClient(() => connect({ port, host: '127.0.0.1' }), {});
  return new Promise((resolve) => {
    client.once('connect', () => resolve(client));
  });
}

/** Resolves to the messages that came before the one with which everything ends. */
function receive(client: MqttClient): Promise<Buffer[]> {
  const messages: Buffer[] = [];
  return new Promise((resolve) => {
    client.on('message', (topic, payload) => {
      if (topic === 'examples/end') resolve(messages);
      else messages.push(payload);
    });
  });
}

const [publisher, ...subscribers] = await Promise.all(Array.from({ length: 50 }, open));
assert.ok(publisher);
const received = subscribers.map(receive);
const topics = ['examples/text', 'examples/end'];
for (const subscriber of subscribers) await subscriber.subscribeAsync(topics, { qos: 2 });
await subscribers[0]?.subscribeAsync('examples/bytes', { qos: 2 });

for (const qos of [0, 1, 2] as const)
  await publisher.publishAsync('examples/text', `quality ${qos}`, { qos });
await publisher.publishAsync('examples/bytes', MEGABYTE, { qos: 2 });
await publisher.publishAsync('examples/end', '', { qos: 2 });

const [first = [], ...others] = await Promise.all(received);
assert.deepEqual(first.pop(), MEGABYTE);
for (const messages of [first, ...others]) {
  assert.deepEqual(messages.map(String), ['quality 0', 'quality 1', 'quality 2']);
}
console.log(`${1 + others.length} clients got every message`);
await Promise.all([publisher, ...subscribers].map((client) => client.endAsync()));
