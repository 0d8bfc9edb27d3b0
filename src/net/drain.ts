/**
 * Drains a server of node:net's API whose task ends. It stops to accept; a connection ends by itself, or is
 * reset when the time is over. HTTP is asked to end each connection with its next answer: a connection that
 * was closed while it is idle may lose a request that is on its way.
 */
import net from 'node:net';
import { systemClock } from '../support/clock.js';
import { assert } from '../support/assert.js';
import { isFunction, type Method } from './node-parts.js';

const nodesClose = functionOf(net.Server.prototype, 'close');

function functionOf(object: object, name: string): Method {
  const value: unknown = Reflect.get(object, name);
  assert(isFunction(value), 'Node has the function');
  return value;
}

/** The parts of http's server that are used here. */
interface HttpServer extends net.Server {
  closeIdleConnections(): void;
}

function isHttp(server: net.Server): server is HttpServer {
  return isFunction(Reflect.get(server, 'closeIdleConnections'));
}

/** Returns the connections of an http server; none if this Node keeps no list of them. */
function socketsOf(server: net.Server): unknown[] {
  const key = Object.getOwnPropertySymbols(server).find(
    ({ description }) => description === 'http.server.connections',
  );
  const list: unknown = key === undefined ? undefined : Reflect.get(server, key);
  const all = partOf(list, 'all');
  const parsers: unknown = isFunction(all) ? Reflect.apply(all, list, []) : [];
  return Array.isArray(parsers) ? parsers.map((parser) => partOf(parser, 'socket')) : [];
}

function partOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

/** Has an answer of HTTP end its connection. An answer whose head was sent already does not. */
function endsConnection(answer: unknown): void {
  if (typeof answer === 'object' && answer !== null) Reflect.set(answer, 'shouldKeepAlive', false);
}

function endWithNextAnswer(server: HttpServer): void {
  for (const event of ['request', 'checkContinue', 'checkExpectation']) {
    if (event !== 'request' && server.listenerCount(event) === 0) continue;
    server.prependListener(event, (_request: unknown, answer: unknown) => {
      endsConnection(answer);
    });
  }
  for (const socket of socketsOf(server)) endsConnection(partOf(socket, '_httpMessage'));
}

/**
 * @param onDrain ends the connections of which HTTP does not know.
 * @param reset resets the connections that are left.
 */
export async function drainServer(
  server: net.Server,
  withinMs: number,
  onDrain: (() => void) | undefined,
  reset: () => Promise<void>,
): Promise<void> {
  if (isHttp(server)) endWithNextAnswer(server);
  const isOver = await new Promise<boolean>((resolve) => {
    const limit = systemClock.setAlarm(systemClock.nowMs() + withinMs, () => {
      resolve(false);
    });
    // http's own `close` would close idle connections as well.
    Reflect.apply(nodesClose, server, [
      () => {
        limit.cancel();
        resolve(true);
      },
    ]);
    onDrain?.();
  });
  if (isOver) return;
  if (isHttp(server)) server.closeIdleConnections();
  await reset();
}
