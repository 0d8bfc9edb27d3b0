/**
 * Drops what a client still sends of a body that is answered already, so that the connection serves further
 * requests; one that is to be closed stays open for it, since a client whose bytes are refused by a reset may
 * lose the answer (RFC 9112 §9.6).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Limits } from '../limits.js';

/**
 * Called when an answer begins to leave before its request's body is at its end.
 * @param stop ends what still reads the body, when the answer has left.
 */
export function dropRestAfter(
  reply: ServerResponse,
  message: IncomingMessage,
  limits: Limits,
  stop?: () => void,
): void {
  // node:http drops it without a bound, in a listener of its own, unless ours comes first.
  reply.prependOnceListener('finish', () => {
    stop?.();
    if (!message.complete && !message.destroyed) dropRest(message, limits);
  });
}

function dropRest(message: IncomingMessage, limits: Limits): void {
  const { socket } = message;
  let bytes = 0;
  let isClosing = false;
  const timer = setTimeout(() => {
    socket.destroy();
  }, limits.dropMs).unref();
  // node:http closes a connection that is not kept by this method.
  socket.destroySoon = (): void => {
    isClosing = true;
    socket.end();
  };
  const over = (): void => {
    clearTimeout(timer);
    Reflect.deleteProperty(socket, 'destroySoon');
    if (isClosing) socket.destroySoon();
  };
  message.on('data', (piece: Buffer) => {
    bytes += piece.length;
    if (bytes > limits.dropBytes) socket.destroy();
  });
  message.once('end', over).once('close', over).resume();
}
