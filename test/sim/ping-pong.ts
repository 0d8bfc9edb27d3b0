/** Two hosts that talk as long as there is time. */
import { AsyncClient, AsyncServer } from '#src/index.js';
import type { Host } from '#src/sim/host.js';
import type { Network } from '#src/sim/network.js';

export function hosts(network: Network): readonly [Host, Host] {
  return [network.host('a', { address: '10.0.0.1' }), network.host('b', { address: '10.0.0.2' })];
}

/** Two clients that answer each other as long as there is time. */
export function pingPong(network: Network, delayMs: number): void {
  const [a, b] = hosts(network);
  network.link(a, b, { delayMs });
  const server = new AsyncServer(80, { stack: b.stack });
  server.onClient((client) => {
    client.onData((_, data) => void client.write(data));
  });
  void server.begin();
  const client = new AsyncClient({ stack: a.stack });
  client.onConnect(() => void client.write('ping'));
  client.onData((_, data) => void client.write(data));
  client.connect('b', 80);
}
