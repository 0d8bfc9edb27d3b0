/**
 * What programs do with a piece of received data. Each use gives what the program has afterwards, to be
 * compared with the stream later: nobody may write into it any more.
 */
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import type { Scene } from './round-context.js';

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

/** Those that leave all memory where it is. */
export const HARMLESS = ['nothing', 'keep', 'slice', 'clone'] as const;

/** Waits in a byte stream. */
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

/** True if it is what the engine says of memory that is marked: a TypeError or a DataCloneError. */
function isRefusal(error: unknown): boolean {
  return error instanceof TypeError || (error instanceof Error && error.name === 'DataCloneError');
}

/** Uses the piece; where the engine refuses, the piece is as it was. */
export function usePiece(scene: Scene, use: Use, piece: Uint8Array): Possession {
  const { length } = piece;
  let possession: Possession = piece;
  try {
    possession = apply(use, piece);
  } catch (error) {
    if (!isRefusal(error) || piece.length !== length) scene.fault(`${use} throws ${String(error)}`);
  }
  if (piece.length !== length) scene.tookMemory();
  return possession;
}

/** The bytes that the program has, for as long as it has them. */
export async function bytesOf(possession: Possession): Promise<Uint8Array | undefined> {
  if (possession === undefined || possession instanceof Uint8Array) return possession;
  const reader = possession.stream.getReader();
  const { value } = await reader.read();
  return value;
}
