/** The stacks that a soak test runs on, by name. */
import { kernelStack, nodeStack, type NodeStackOptions, type TcpStack } from 'asynctcp';

export const STACKS: Readonly<Record<string, (limits?: NodeStackOptions) => TcpStack>> = {
  node: nodeStack,
  kernel: kernelStack,
};

/** @throws Error when there is none of that name, or not on this machine. */
export function makeStack(name: string, limits: NodeStackOptions = {}): TcpStack {
  const make = STACKS[name];
  if (make === undefined)
    throw new Error(`stack must be one of ${Object.keys(STACKS).join(', ')}, not ${name}`);
  return make(limits);
}

/** From this minor version 1.x of libuv on, a reset that comes along with data is told (libuv's #4997). */
const LIBUV_TELLS = 52;

/** Whether a reset by the peer may look like its end in order: on older releases of Node. */
export function hidesResets(stack: TcpStack): boolean {
  const [, minor] = process.versions.uv.split('.').map(Number);
  return stack.name === 'node' && (minor ?? 0) < LIBUV_TELLS;
}
