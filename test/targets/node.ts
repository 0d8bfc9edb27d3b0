/** The contract suite's target for the stack on node:net. */
import { nodeStack } from 'asynctcp';
import { systemTarget } from './system-target.js';

const NO_GROUP = 'node:net shares ports from Node 22.12 and 23.1 on, and hands no listening socket over';

export const node = systemTarget('node × node', nodeStack, nodeStack, {
  unmet: {
    'D1.urgent': 'node:net does not receive urgent data in line (SO_OOBINLINE), so the urgent byte is lost',
    'D7.peer': 'node:net cannot ask what the peer acknowledged: capability acknowledgement is `local`',
    'M4.kernel':
      'node:net cannot ask what the kernel holds: it bounds each connection (tcp_wmem), not all of them together',
  },
  apart: { W5: NO_GROUP, W6: NO_GROUP, W7: NO_GROUP },
});
