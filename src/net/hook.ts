/**
 * The hook: Node's own `net.Socket` and `net.Server` run on a stack of asynctcp, for programs that were
 * written for node:net. Sockets and servers that cannot be carried stay Node's.
 */
import cluster from 'node:cluster';
import net from 'node:net';
import { debuglog } from 'node:util';
import type { StackOption } from '../asynctcp/stack-choice.js';
import { whyNotCarried, listen, type ListenArguments } from './listening.js';
import { hasServerParts, hasSocketParts, replace, type ServerParts } from './node-parts.js';
import { missingParts } from './parts.js';
import { connect as connectSocket, teachSockets } from './socket-methods.js';
import { canTeachTls, carryTls } from './tls-face.js';

/** `NODE_DEBUG=asynctcp` shows a line for each server and each connection: carried, or why not. */
const debug = debuglog('asynctcp');

/** Returns the names of what the hook needs of Node and does not find; none: it can be installed. */
export function missingForHook(): readonly string[] {
  return missingParts.length > 0 || canTeachTls() ? missingParts : ['JSStream'];
}

/** Carries all sockets and servers of the thread on a stack, from now on. */
export function install(stack: StackOption): void {
  debug('TCP servers and connections run on asynctcp; pipes, descriptors and handles stay Node’s');
  teachSockets();
  hookSockets(stack);
  carryTls(stack);
  replace(net.Server.prototype, '_listen2', (nodes) => {
    return function listen2(this: unknown, ...args: ListenArguments): unknown {
      if (!hasServerParts(this)) return Reflect.apply(nodes, this, args);
      const reason = whyServerIsNodes(this) ?? whyNotCarried(this, args);
      const [address, port] = args;
      debug('listen on %s port %d: %s', address ?? 'every address', port, reason ?? 'carried');
      return reason === undefined ? listen(this, nodes, args, { stack }) : Reflect.apply(nodes, this, args);
    };
  });
}

function hookSockets(stack: StackOption): void {
  const socket = net.Socket.prototype;
  replace(socket, 'connect', (nodes) => {
    return function connect(this: unknown, ...args: unknown[]): unknown {
      if (!hasSocketParts(this) || isCalledByHttp2()) return Reflect.apply(nodes, this, args);
      return connectSocket(this, nodes, args, ({ host, port }) => {
        debug('connect to %s port %s: carried', host ?? 'localhost', port);
        return stack;
      });
    };
  });
}

/** Returns the reason why a server stays Node's, whatever it listens on. */
function whyServerIsNodes(server: ServerParts): string | undefined {
  // The workers share their primary's handles.
  if (Object.keys(cluster.workers ?? {}).length > 0) return 'a primary of node:cluster';
  // Node's http2 reads from the native handle; over any other stream it is slower.
  if (server.constructor.name === 'Http2Server') return 'http2 without TLS';
  return undefined;
}

/** Frames of a call of `http2.connect` down to here: its own one is the last. */
const FRAMES_TO_HTTP2 = 5;

let http2IsLoaded = false;

/** Returns true if `http2.connect` connects without TLS. It reads from the native handle. */
function isCalledByHttp2(): boolean {
  if (!http2IsLoaded) {
    const modules: unknown = Reflect.get(process, 'moduleLoadList');
    http2IsLoaded = Array.isArray(modules) && modules.includes('NativeModule internal/http2/core');
    if (!http2IsLoaded) return false;
  }
  const trace = { stack: '' };
  const { stackTraceLimit } = Error;
  const prepareStackTrace: unknown = Reflect.get(Error, 'prepareStackTrace');
  Error.stackTraceLimit = FRAMES_TO_HTTP2;
  // A program may make something else of a stack than text.
  Reflect.set(Error, 'prepareStackTrace', undefined);
  Error.captureStackTrace(trace);
  const { stack } = trace;
  Reflect.set(Error, 'prepareStackTrace', prepareStackTrace);
  Error.stackTraceLimit = stackTraceLimit;
  return stack.includes('node:internal/http2/core');
}
