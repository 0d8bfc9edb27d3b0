/** What the page uses of asynctcp, from the modules that `npm run build` makes. */
export { AsyncClient } from '../../dist/asynctcp/async-client.js';
export { AsyncServer } from '../../dist/asynctcp/async-server.js';
export { PacketView, TcpFlag } from '../../dist/link/packet-view.js';
import { Network as SimulatedNetwork } from '../../dist/sim/network.js';
import { VirtualStack } from '../../dist/stacks/virtual/virtual-stack.js';

export class Network extends SimulatedNetwork {
  constructor(options) {
    super({ ...options, makeStack: (parts) => new VirtualStack(parts) });
  }
}
