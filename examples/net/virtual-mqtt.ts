/**
 * An MQTT session over a lossy link, with half an hour of silence behind a NAT that forgets a silent
 * connection after ten minutes. With a keepalive of five minutes the session lasts. Without one, the next
 * message finds the connection dead, and arrives after MQTT.js has connected again.
 *
 *     node build/virtual-mqtt.js
 */
import { Aedes } from 'aedes';
import { MqttClient } from 'mqtt';
import { connect, createServer } from 'asynctcp/net';
import { Network } from 'asynctcp/virtual';

const MINUTE_MS = 60_000;

/** Resolves to the number of connections, and the seconds after the silence until the message arrives. */
async function session(keepalive: number): Promise<readonly [connections: number, seconds: number]> {
  const network = new Network({ seed: 7 });
  // MQTT.js and aedes set timers: these run in virtual time.
  using _timers = network.installGlobals();
  const device = network.host('device', { profile: 'esp32', address: '192.168.1.2' });
  const broker = network.host('broker', { address: '203.0.113.1' });
  network.link(device, broker, {
    delayMs: 40,
    loss: 0.05,
    nat: { address: '198.51.100.7', establishedMs: 10 * MINUTE_MS, onExpiry: 'reset' },
  });

  let connections = 0;
  const aedes = await Aedes.createBroker();
  const server = createServer({ stack: broker.stack }, (socket) => {
    connections += 1;
    aedes.handle(socket);
  });
  server.listen(1883);

  const client = new MqttClient(() => connect({ host: 'broker', port: 1883, stack: device.stack }), {
    keepalive,
    reconnectPeriod: 5000,
  });
  // MQTT.js connects again by itself.
  client.on('error', (error) => console.log(`keepalive ${keepalive} s: ${error.message}`));
  await network.runUntil(new Promise((resolve) => client.once('connect', resolve)));
  await network.run(30 * MINUTE_MS);
  const silentMs = network.nowMs;
  await network.runUntil(client.publishAsync('door', 'open', { qos: 1 }));
  const seconds = (network.nowMs - silentMs) / 1000;

  client.end(true);
  aedes.close();
  server.close();
  await network.run(MINUTE_MS);
  return [connections, seconds];
}

for (const keepalive of [300, 0]) {
  const [connections, seconds] = await session(keepalive);
  console.log(`keepalive ${keepalive} s: arrived after ${seconds.toFixed(1)} s, connections: ${connections}`);
}
