/**
 * A gateway and twenty ESP32s through a Wi-Fi that breaks: each device reports once a second, and connects
 * again when its connection is lost. The Wi-Fi is gone for two minutes; later the gateway reboots.
 *
 *     asynctcp sim build/examples/virtual/wifi-outage.js --quiet
 */
import assert from 'node:assert/strict';
import { AsyncClient, AsyncServer } from 'asynctcp';
import type { Host, Network } from 'asynctcp/virtual';

const DEVICES = 20;

/** Reports once a second. A connection that is lost is made again. */
function report(network: Network, device: Host): void {
  const client = new AsyncClient({ stack: device.stack });
  const connect = (): boolean => client.connect('gateway', 7007, { timeoutMs: 5000 });
  let polls = 0;
  client.setAckTimeout(10_000);
  client.onTimeout(() => void client.abort());
  // Called every 500 ms.
  client.onPoll(() => {
    if (++polls % 2 === 0) client.write(`${device.name}\n`);
  });
  client.onDisconnect(() => network.at(network.nowMs + 2000, connect));
  connect();
}

/** Counts the reports of each device. */
async function collect(gateway: Host, counts: Map<string, number>): Promise<void> {
  const server = new AsyncServer(7007, { stack: gateway.stack });
  server.onClient((client) => {
    client.onData((_, data) => {
      for (const name of String(Buffer.from(data)).trim().split('\n'))
        counts.set(name, (counts.get(name) ?? 0) + 1);
    });
  });
  await server.begin();
}

export default async function wifiOutage(network: Network): Promise<void> {
  const gateway = network.host('gateway', { address: '10.0.0.1' });
  const wifi = network.lan('wifi', { hosts: [gateway], delayMs: 2, jitterMs: 1, loss: 0.02 });
  const devices = Array.from({ length: DEVICES }, (_, n) => network.host(`esp${n}`, { profile: 'esp32' }));
  for (const device of devices) wifi.join(device, { powerSave: true });
  const counts = new Map<string, number>();
  await collect(gateway, counts);
  for (const device of devices) report(network, device);
  await network.run(60_000);
  wifi.linkOf(gateway).cut();
  await network.run(120_000);
  wifi.linkOf(gateway).heal();
  await network.run(60_000);
  gateway.restart();
  counts.clear();
  await collect(gateway, counts);
  await network.run(60_000);
  assert.equal(counts.size, DEVICES, 'every device reports again');
  console.log(`reports in the last minute: ${Math.min(...counts.values())} or more of each device`);
}
