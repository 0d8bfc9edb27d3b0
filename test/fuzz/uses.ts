/**
 * The ways in which a program uses a piece of received data. Each returns what the program has afterwards. It
 * is compared with the stream later: nothing may write into it.
 */
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import type { RoundContext } from './round-context.js';

export const USES = [
  'nothing',
  'keep',
  'slice',
  'clone',
  'enqueue',
  'transfer',
  'clone and transfer',
  'post',
] as const;
export type Use = (typeof USES)[number];

/** Uses that do not detach memory. */
export const HARMLESS = ['nothing', 'keep', 'slice', 'clone'] as const;

/** A piece in the queue of a byte stream. */
interface Enqueued {
  readonly stream: ReadableStream<Uint8Array>;
}

export type Possession = Uint8Array | Enqueued | undefined;

function enqueue(piece: Uint8Array): Enqueued {
  let controller: ReadableByteStreamController | undefined;
  const stream = new ReadableStream({
    type: 'bytes',
    start(given) {
      controller = given;
    },
  });
  controller?.enqueue(piece);
  return { stream };
}

/** `transfer()` is newer than Node 20. */
function transfer(piece: Uint8Array): Uint8Array {
  const { buffer, byteOffset, length } = piece;
  const move: unknown = Reflect.get(buffer, 'transfer');
  if (typeof move !== 'function') return piece;
  const moved: unknown = Reflect.apply(move, buffer, []);
  if (!(moved instanceof ArrayBuffer)) throw new Error('transfer() gives an ArrayBuffer');
  return new Uint8Array(moved, byteOffset, length);
}

function memoryOf(piece: Uint8Array): ArrayBuffer {
  if (piece.buffer instanceof ArrayBuffer) return piece.buffer;
  throw new Error('received data lies in an ArrayBuffer');
}

function post(piece: Uint8Array): Possession {
  const { port1, port2 } = new MessageChannel();
  try {
    port1.postMessage(piece, [memoryOf(piece)]);
    const received: { readonly message: unknown } | undefined = receiveMessageOnPort(port2);
    return received?.message instanceof Uint8Array ? received.message : undefined;
  } finally {
    port1.close();
    port2.close();
  }
}

function apply(use: Use, piece: Uint8Array): Possession {
  switch (use) {
    case 'nothing':
      return undefined;
    case 'keep':
      return piece;
    case 'slice':
      return piece.slice();
    case 'clone':
      return structuredClone(piece);
    case 'enqueue':
      return enqueue(piece);
    case 'transfer':
      return transfer(piece);
    case 'clone and transfer':
      return structuredClone(piece, { transfer: [memoryOf(piece)] });
    case 'post':
      return post(piece);
  }
}

/** Returns true for the errors that the engine throws for memory that cannot be detached. */
function isRefusal(error: unknown): boolean {
  return error instanceof TypeError || (error instanceof Error && error.name === 'DataCloneError');
}

/** Uses the piece. If the engine refuses to detach it, the piece must be unchanged. */
export function usePiece(context: RoundContext, use: Use, piece: Uint8Array): Possession {
  const { length } = piece;
  let possession: Possession = piece;
  try {
    possession = apply(use, piece);
  } catch (error) {
    if (!isRefusal(error) || piece.length !== length) context.report(`${use} throws ${String(error)}`);
  }
  if (piece.length !== length) context.noteDetached();
  return possession;
}

/** Returns the bytes that the program has; `undefined` if it has none. */
export async function bytesOf(possession: Possession): Promise<Uint8Array | undefined> {
  if (possession === undefined || possession instanceof Uint8Array) return possession;
  const reader = possession.stream.getReader();
  const { value } = await reader.read();
  return value;
}
