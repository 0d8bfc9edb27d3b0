/** Facts about a socket of `node:net`. */
import type { Socket } from 'node:net';
import type { Endpoint } from '../../port/tcp-stack.js';
import { unmapped } from '../../support/ip-address.js';

/** Both ends of a connected socket. */
export interface SocketEnds {
  readonly local: Endpoint;
  readonly remote: Endpoint;
}

/**
 * Returns the ends of a socket that has just been connected. Returns `undefined` if the peer has reset it
 * meanwhile: then the kernel knows no peer.
 */
export function endsOf(socket: Socket): SocketEnds | undefined {
  if (socket.destroyed) return undefined;
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  const local = endpoint(localAddress, localPort);
  const remote = endpoint(remoteAddress, remotePort);
  return local === undefined || remote === undefined ? undefined : { local, remote };
}

function endpoint(address: string | undefined, port: number | undefined): Endpoint | undefined {
  return address === undefined || port === undefined ? undefined : { address: unmapped(address), port };
}

/**
 * Returns true if the socket is over. After a failed write it is destroyed only a moment later, and has
 * already forgotten what the kernel refused.
 */
export function isSocketOver(socket: Socket): boolean {
  return socket.destroyed || socket.errored !== null;
}

/** Returns true if the socket can be reset. Older runtimes that imitate Node cannot do that. */
export function canReset(socket: Partial<Pick<Socket, 'resetAndDestroy'>>): boolean {
  return typeof socket.resetAndDestroy === 'function';
}

/**
 * Returns the bytes that the socket was given and that the kernel has not taken. It is exact where the
 * handle has a number, as Node's own timeout of a socket expects. Elsewhere it is the stream's count, which
 * falls only when all of a piece is taken.
 */
export function heldBytes(socket: Socket): number {
  return handleQueueBytes(socket) ?? socket.writableLength;
}

function handleQueueBytes(socket: object): number | undefined {
  if (!('_handle' in socket)) return undefined;
  const handle = socket._handle;
  if (typeof handle !== 'object' || handle === null || !('writeQueueSize' in handle)) return undefined;
  return typeof handle.writeQueueSize === 'number' ? handle.writeQueueSize : undefined;
}
