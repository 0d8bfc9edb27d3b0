/** The contract suite's target for the stack on node:net. */
import { nodeStack } from 'asynctcp';
import { systemTarget } from './system-target.js';

export const node = systemTarget('node × node', nodeStack, nodeStack, {
  unmet: {
    'D1.urgent': 'node:net does not receive urgent data in line (SO_OOBINLINE), so the urgent byte is lost',
    'D7.peer': 'node:net cannot ask what the peer acknowledged: capability acknowledgement is `local`',
    'M4.kernel':
      'node:net cannot ask what the kernel holds: it bounds each connection (tcp_wmem), not all of them together',
  },
});
