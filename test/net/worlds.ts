/** The worlds in which a random program is played: node:net alone, and each stack under the subject. */
import nodeNet from 'node:net';
import { memoryStack, nodeStack, type StackOption } from 'asynctcp';
import net from 'asynctcp/net';
import type { Side, World } from './play.js';

const nodes: Side = {
  createServer: (options, onConnection) => nodeNet.createServer(options, onConnection),
  connect: (options) => nodeNet.connect(options),
};

function on(stack: StackOption): Side {
  return {
    createServer: (options, onConnection) => net.createServer({ ...options, stack }, onConnection),
    connect: (options) => net.connect({ ...options, stack }),
  };
}

export const plain: World = {
  name: 'node:net',
  subject: nodes,
  peer: nodes,
  isOrdered: true,
  peerIsNodes: true,
  needsAddon: false,
};

/** As the kernel's, so that a program's bytes are taken at once. */
const BUFFERS = { sendBufferBytes: 4_194_304, receiveWindowBytes: 4_194_304 };

const memory = on(memoryStack(BUFFERS));

export const worlds: readonly World[] = [
  {
    name: 'the stack kernel',
    subject: on('kernel'),
    peer: nodes,
    isOrdered: true,
    peerIsNodes: true,
    needsAddon: true,
  },
  {
    name: 'the stack node',
    subject: on(nodeStack(BUFFERS)),
    peer: nodes,
    isOrdered: false,
    peerIsNodes: true,
    needsAddon: false,
  },
  {
    name: 'the stack memory',
    subject: memory,
    peer: memory,
    isOrdered: false,
    peerIsNodes: false,
    needsAddon: false,
  },
];
