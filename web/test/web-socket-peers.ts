/** Peers of a WebSocket: the client of the package ws, and one that sends whatever bytes a test wants. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'asynctcp/net';
import { WebSocket, type ClientOptions } from 'ws';
import type { Bed } from './bed.js';
import { Inbox } from './inbox.js';

/** A client of ws, and what it has received: text as text. */
export interface Peer {
  readonly ws: WebSocket;
  readonly inbox: Inbox<string | Buffer>;
  /** Close code and reason. */
  readonly closed: Promise<[code: number, reason: string]>;
}

export interface PeerOptions extends ClientOptions {
  readonly protocols?: string[];
}

/** Connects a client of ws. Rejected with the error of one that is refused. */
export async function connectPeer(
  { open, port }: Bed,
  path: string,
  { protocols = [], ...options }: PeerOptions = {},
): Promise<Peer> {
  // The socket connects to the bed's server, on the bed's stack.
  const createConnection = (): Socket => open();
  const ws = new WebSocket(`ws://127.0.0.1:${port}${path}`, protocols, {
    createConnection,
    perMessageDeflate: false,
    ...options,
  });
  const inbox = new Inbox<string | Buffer>();
  ws.on('message', (data, isBinary) => {
    if (Buffer.isBuffer(data)) inbox.put(isBinary ? data : data.toString());
  });
  const closed = new Promise<[number, string]>((resolve) => {
    ws.once('close', (code, reason) => {
      resolve([code, reason.toString()]);
    });
  });
  await once(ws, 'open');
  ws.on('error', () => undefined);
  return { ws, inbox, closed };
}

/** Returns the status with which a client of ws is refused. */
export async function refusedStatus(bed: Bed, path: string, options: PeerOptions = {}): Promise<number> {
  try {
    const { ws } = await connectPeer(bed, path, options);
    ws.terminate();
    return 101;
  } catch (error) {
    return Number(/Unexpected server response: (?<status>\d+)/.exec(String(error))?.groups?.['status']);
  }
}

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface FrameOptions {
  /** False: further frames of the message follow. */
  readonly final?: boolean;
  readonly masked?: boolean;
  /** The bits RSV1 to RSV3. */
  readonly reserved?: number;
}

/** Returns a frame as a client sends it (RFC 6455 §5.2). */
export function frame(
  opcode: number,
  content: string | Uint8Array = '',
  { final = true, masked = true, reserved = 0 }: FrameOptions = {},
): Buffer {
  const data = Buffer.from(content);
  const first = (final ? 0x80 : 0) | (reserved << 4) | opcode;
  const isLong = data.length > 125;
  const head = Buffer.alloc(isLong ? 4 : 2);
  head[0] = first;
  head[1] = (masked ? 0x80 : 0) | (isLong ? 126 : data.length);
  if (isLong) head.writeUInt16BE(data.length, 2);
  if (!masked) return Buffer.concat([head, data]);
  const mask = randomBytes(4);
  for (let at = 0; at < data.length; at += 1) data[at] = (data[at] ?? 0) ^ (mask[at % 4] ?? 0);
  return Buffer.concat([head, mask, data]);
}

/** Returns the content of a close frame. */
export function closeContent(code: number, reason: string | Uint8Array = ''): Buffer {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return Buffer.concat([head, Buffer.from(reason)]);
}

/** A frame of the server, of at most 65,535 bytes. */
export interface Received {
  readonly opcode: number;
  readonly data: Buffer;
}

/** A peer that sends bytes. */
export class RawPeer {
  readonly socket: Socket;
  readonly frames = new Inbox<Received>();
  /** Fulfilled when the server has ended the connection. */
  readonly ended: Promise<unknown>;
  /** The server's answer to the handshake, as soon as it is there. */
  readonly head: Promise<string>;
  #bytes: Buffer = Buffer.alloc(0);
  #onHead: ((head: string) => void) | undefined;

  constructor({ open }: Bed, path: string, headers: readonly string[] = [], method = 'GET') {
    this.socket = open();
    this.socket.on('error', () => undefined);
    this.ended = once(this.socket, 'close');
    this.head = new Promise((resolve) => {
      this.#onHead = resolve;
    });
    this.socket.on('data', (bytes: Buffer) => {
      this.#bytes = Buffer.concat([this.#bytes, bytes]);
      this.#read();
    });
    const lines = [
      `${method} ${path} HTTP/1.1`,
      'Host: x',
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      'Sec-WebSocket-Version: 13',
      ...headers,
    ];
    this.socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  }

  /** Returns the close code that the server sends next; 1005 if it sends none. */
  async closeCode(): Promise<number> {
    for (;;) {
      const { opcode, data } = await this.frames.next();
      if (opcode === OPCODE.close) return data.length < 2 ? 1005 : data.readUInt16BE(0);
    }
  }

  #read(): void {
    if (this.#onHead !== undefined) {
      const at = this.#bytes.indexOf('\r\n\r\n');
      if (at < 0) return;
      this.#onHead(this.#bytes.subarray(0, at).toString());
      this.#onHead = undefined;
      this.#bytes = this.#bytes.subarray(at + 4);
    }
    for (;;) {
      const short = (this.#bytes[1] ?? 0) & 0x7f;
      const start = short === 126 ? 4 : 2;
      if (this.#bytes.length < start) return;
      const length = short === 126 ? this.#bytes.readUInt16BE(2) : short;
      if (this.#bytes.length < start + length) return;
      const data = this.#bytes.subarray(start, start + length);
      this.frames.put({ opcode: (this.#bytes[0] ?? 0) & 0x0f, data });
      this.#bytes = this.#bytes.subarray(start + length);
    }
  }
}
