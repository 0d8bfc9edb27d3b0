/** Servers of node:net on a listener of asynctcp. */
import type { Preamble } from '../asynctcp/preamble.js';
import type { StackOption } from '../asynctcp/stack-choice.js';
import { drainServer } from './drain.js';
import type { Method, ServerParts } from './node-parts.js';
import { ListenerHandle } from './listener-handle.js';
import type { TcpHandle } from './tcp-handle.js';

/** Options of a server that another API makes. */
export interface CarryOptions {
  /** Stack that carries the bytes. Default: the configuration's. */
  stack?: StackOption | undefined;
  /**
   * Bytes that an accepted connection has to send before there is a socket, such as the header of the PROXY
   * protocol: `proxyProtocol` of `asynctcp/gateway`. Default: none.
   */
  preamble?: Preamble | undefined;
  /**
   * Called when the task of the server drains (`startTasks`), to end the connections that another protocol
   * has taken over from HTTP. The server has stopped to listen, and HTTP ends each connection with its next
   * answer.
   */
  onDrain?: (() => void) | undefined;
}

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
 * Returns the reason why a listener of asynctcp cannot stand in the place of Node's; `undefined` if it can:
 * on a host and port, for both families.
 */
export function whyNotCarried(
  server: ServerParts,
  [address, port, addressType, , fd, flags]: ListenArguments,
): string | undefined {
  if (isHandle(server._handle)) return 'a handle that exists already';
  if (typeof fd === 'number' && fd >= 0) return 'a descriptor';
  if (port < 0 || (addressType !== 4 && addressType !== 6)) return 'a pipe';
  if (((flags ?? 0) & IPV6_ONLY) !== 0) return 'IPv6 alone';
  if (address?.includes('%') === true) return 'an address of one network interface';
  return undefined;
}

function isHandle(handle: unknown): boolean {
  return handle !== null && handle !== undefined;
}

/**
 * Listens, in place of `_listen2`.
 * @param accept makes the socket of an accepted connection; net.js makes those for which it returns false.
 */
export function listen(
  server: ServerParts,
  nodes: Method,
  args: ListenArguments,
  { stack, preamble, onDrain }: CarryOptions,
  accept?: (handle: TcpHandle) => boolean,
): unknown {
  const [address, port, addressType, backlog, fd, flags] = args;
  const isEvery = address === null || address === '' || address === '::';
  const place = {
    address: isEvery ? undefined : address,
    port,
    reusePort: ((flags ?? 0) & REUSE_PORT) !== 0,
    stack,
    preamble,
    accept,
    drain: (withinMs: number, reset: () => Promise<void>) => drainServer(server, withinMs, onDrain, reset),
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
