/** The stacks of this machine, by name. */
import { kernelStack, nodeStack, type NodeStackOptions, type TcpStack } from 'asynctcp';

export const STACKS: Readonly<Record<string, (limits?: NodeStackOptions) => TcpStack>> = {
  node: nodeStack,
  kernel: kernelStack,
};

/** @throws Error if there is no stack of that name, or if it cannot run on this machine. */
export function makeStack(name: string, limits: NodeStackOptions = {}): TcpStack {
  const make = STACKS[name];
  if (make === undefined)
    throw new Error(`stack must be one of ${Object.keys(STACKS).join(', ')}, not ${name}`);
  return make(limits);
}

/** From libuv 1.52 on, `node:net` reports a reset that arrives together with data (libuv's #4997). */
const [, libuvMinor = 0] = process.versions.uv.split('.').map(Number);
export const nodeReportsResets = libuvMinor >= 52;

/** Returns true if a reset by the peer may look like its FIN. */
export function hidesResets(stack: TcpStack): boolean {
  return stack.name === 'node' && !nodeReportsResets;
}

/** Counts everything that a stack holds, except for its listeners. */
export function heldBy(stack: TcpStack): number {
  const { connections, attempts, lingering, timers } = stack.holdings();
  return connections + attempts + lingering + timers;
}
