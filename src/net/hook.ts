/**
 * The hook: Node's own `net.Socket` and `net.Server` run on a stack of asynctcp, for programs that were
 * written for node:net. What cannot be carried stays Node's.
 */
import cluster from 'node:cluster';
import net from 'node:net';
import type { StackOption } from '../asynctcp/stack-choice.js';
import { canCarry, listen, type ListenArguments } from './listening.js';
import { hasServerParts, hasSocketParts, replace, type WriteDone } from './node-parts.js';
import { parts } from './parts.js';
import * as methods from './socket-methods.js';
import { teachTls } from './tls-face.js';

/** Carries all sockets and servers of the thread on a stack, from now on. */
export function install(stack: StackOption): void {
  const socket = net.Socket.prototype;
  replace(socket, 'connect', (nodes) => {
    return function connect(this: unknown, ...args: unknown[]): unknown {
      if (!hasSocketParts(this)) return Reflect.apply(nodes, this, args);
      return methods.connect(this, nodes, args, () => stack);
    };
  });
  replace(socket, '_writeGeneric', (nodes) => {
    return function writeGeneric(this: unknown, ...args: methods.WriteArguments): unknown {
      if (!hasSocketParts(this)) return Reflect.apply(nodes, this, args);
      return methods.writeGeneric(this, nodes, args);
    };
  });
  replace(socket, '_final', (nodes) => {
    return function final(this: unknown, done: WriteDone): unknown {
      if (!hasSocketParts(this)) return Reflect.apply(nodes, this, [done]);
      return methods.final(this, nodes, done);
    };
  });
  replace(socket, parts.reinitializeHandle, (nodes) => {
    return function reinitializeHandle(this: unknown, handle: unknown): unknown {
      if (!hasSocketParts(this)) return Reflect.apply(nodes, this, [handle]);
      return methods.reinitializeHandle(this, nodes, handle, stack);
    };
  });
  teachTls(() => ({ stack }));
  replace(net.Server.prototype, '_listen2', (nodes) => {
    return function listen2(this: unknown, ...args: ListenArguments): unknown {
      const carries = hasServerParts(this) && canCarry(this, args) && !hasWorkers();
      return carries ? listen(this, nodes, args, stack) : Reflect.apply(nodes, this, args);
    };
  });
}

/** Returns true if this process is a primary of `cluster`, whose workers share its servers' handles. */
function hasWorkers(): boolean {
  return Object.keys(cluster.workers ?? {}).length > 0;
}
