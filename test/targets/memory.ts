/** The contract suite's target for the memory stack: three machines on one network, at one address. */
import { memoryStack, type Lookup, type MemoryStack, type TcpStack } from 'asynctcp';
import type { CaseLimits, Target } from '../contract/case.js';
import { PortPeer } from '../peers/port-peer.js';
import {
  IN_ONE_PROCESS,
  NO_URGENT_DATA,
  PEER_BUFFER_BYTES,
  runInProcess,
  type Machines,
} from './in-process.js';

const ADDRESS = '127.0.0.1';

/** @param around returns the stack that clients and servers use in the place of a memory stack. */
export function memoryTarget(name: string, around: (stack: MemoryStack) => TcpStack): Target {
  return {
    name,
    unmet: { 'D1.urgent': NO_URGENT_DATA },
    apart: IN_ONE_PROCESS,
    run: (contractCase) =>
      runInProcess(contractCase, (limits, lookup) => memoryMachines(limits, lookup, around)),
  };
}

export const memory = memoryTarget('memory × memory', (stack) => stack);

function memoryMachines(
  limits: CaseLimits,
  lookup: Lookup,
  around: (stack: MemoryStack) => TcpStack,
): Machines {
  const client = memoryStack({ ...limits, lookup });
  const server = memoryStack({ ...limits, lookup, network: client });
  const peer = memoryStack({ network: client, sendBufferBytes: PEER_BUFFER_BYTES });
  return {
    address: ADDRESS,
    clientAddress: ADDRESS,
    otherClientAddress: '127.0.0.9',
    peerAddresses: [ADDRESS, '127.0.0.2', '127.0.0.3'],
    clientStack: around(client),
    serverStack: around(server),
    clock: client.clock,
    peer: new PortPeer({
      stack: peer,
      address: ADDRESS,
      serverAddress: ADDRESS,
      settle: () => client.settle(),
      cut: (where) => {
        peer.cut(where);
      },
    }),
    settle: () => client.settle(),
    arrive: () => undefined,
    starve: () => {
      const feeds = [client.starve(), server.starve()];
      return () => {
        for (const feed of feeds) feed();
      };
    },
  };
}
