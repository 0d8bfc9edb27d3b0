/** Requests to change the protocol of a connection (RFC 9110 §7.8). */
import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Reply } from './reply.js';

/** A connection that asks for another protocol. */
export interface Upgrade {
  readonly socket: Socket;
  /** Bytes of the other protocol that came with the request. */
  readonly head: Buffer;
}

/**
 * Makes the reply to such a request: node:http makes none, and takes its listeners from the socket. A reply
 * that is sent ends the connection.
 */
export function replyToUpgrade(message: IncomingMessage, socket: Duplex): [reply: Reply, socket: Socket] {
  assert(socket instanceof Socket, 'a connection is a socket, on every stack');
  const reply = new Reply(message);
  socket.on('error', destroy).on('drain', drained).on('end', end);
  reply.shouldKeepAlive = false;
  reply.assignSocket(socket);
  reply.once('finish', () => {
    socket.destroySoon();
  });
  return [reply, socket];
}

/** Reads on behalf of a plain answer: drops all bytes, and ends the connection when its peer does. */
export function readToEnd(socket: Socket): void {
  socket.once('end', () => {
    socket.end();
  });
  socket.resume();
}

/** Takes a connection from its reply: another protocol speaks on it. */
export function detach(reply: Reply): Socket {
  const { socket } = reply;
  assert(socket !== null, 'the reply to an upgrade has its socket from the beginning');
  reply.detachSocket(socket);
  socket.off('error', destroy).off('drain', drained).off('end', end);
  socket.once('close', () => {
    reply.emit('close');
  });
  return socket;
}

function destroy(this: Socket): void {
  this.destroy();
}

/** Ends the connection when its client does, as node:http does with others. */
function end(this: Socket): void {
  this.end();
}

/** Lets an answer in pieces go on. */
function drained(this: Socket): void {
  const reply: unknown = Reflect.get(this, '_httpMessage');
  if (reply instanceof Reply) reply.emit('drain');
}
