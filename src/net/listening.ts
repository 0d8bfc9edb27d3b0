/** Servers of node:net on a listener of asynctcp. */
import type { StackOption } from '../asynctcp/stack-choice.js';
import type { Method, ServerParts } from './node-parts.js';
import { ListenerHandle } from './listener-handle.js';

/** Flags of `_listen2`, as libuv has them. */
const IPV6_ONLY = 1;
const REUSE_PORT = 2;

/** Arguments of net.js's `_listen2`. */
export type ListenArguments = [
  address: string | null,
  port: number,
  addressType: number,
  backlog: number | undefined,
  fd: number | undefined,
  flags: number | undefined,
];

/**
 * Returns true if a listener of asynctcp can stand in the place of Node's: on a host and port, and not on a
 * pipe, a descriptor, a handle that exists, IPv6 alone, or a link-local zone.
 */
export function canCarry(
  server: ServerParts,
  [address, port, addressType, , fd, flags]: ListenArguments,
): boolean {
  const isTcp = port >= 0 && (addressType === 4 || addressType === 6) && typeof fd !== 'number';
  const isIpv6Only = ((flags ?? 0) & IPV6_ONLY) !== 0;
  return isTcp && !isIpv6Only && !isHandle(server._handle) && address?.includes('%') !== true;
}

function isHandle(handle: unknown): boolean {
  return handle !== null && handle !== undefined;
}

/** Listens, in place of `_listen2`. */
export function listen(
  server: ServerParts,
  nodes: Method,
  args: ListenArguments,
  stack: StackOption | undefined,
): unknown {
  const [address, port, addressType, backlog, fd, flags] = args;
  const isEvery = address === null || address === '' || address === '::';
  const place = {
    address: isEvery ? undefined : address,
    port,
    reusePort: ((flags ?? 0) & REUSE_PORT) !== 0,
    stack,
  };
  const handle = new ListenerHandle(place);
  server._handle = handle;
  // net.js takes a handle that is there already, and calls its `listen`.
  const goOn = (): unknown =>
    Reflect.apply(nodes, server, [
      isEvery ? '::' : address,
      port,
      isEvery ? 6 : addressType,
      backlog,
      fd,
      flags,
    ]);
  return handle.open(backlog, goOn) ? goOn() : undefined;
}
