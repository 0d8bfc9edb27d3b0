/**
 * The contract suite's peer on a stack of this process, written on the port alone. As a program on blocking
 * sockets does, it reads and writes only when it is asked to.
 */
import type { Connection, ConnectionEvents, Fault, TcpStack } from 'asynctcp';
import type { Peer, PeerListener, PeerSocket } from '../contract/case.js';
import { pattern, PatternReader } from '../contract/pattern.js';

const COPY = 1;

/** What surrounds the peer. */
export interface PeerSurroundings {
  readonly stack: TcpStack;
  /** Address of the peer. */
  readonly address: string;
  /** Address of the servers. */
  readonly serverAddress: string;
  /** Resolves when nothing is under way. */
  settle(): Promise<void>;
  /** Lets nothing more arrive there, or come from there. */
  cut(where: { readonly address: string; readonly port: number }): void;
}

export class PortPeer implements Peer {
  readonly #around: PeerSurroundings;
  readonly #sockets = new Set<PortSocket>();

  constructor(around: PeerSurroundings) {
    this.#around = around;
  }

  listen(options: Parameters<Peer['listen']>[0] = {}): Promise<PortListener> {
    const { address = this.#around.address, port = 0, backlog, receiveBuffer } = options;
    return new Promise((resolve, reject) => {
      const listener = new PortListener((where) => this.#around.cut(where));
      const opened = this.#around.stack.listen(
        { address, port, backlog, reusePort: false, receiveWindowBytes: windowOf(receiveBuffer) },
        {
          onListening: () => {
            if ('local' in opened) listener.opened(opened);
            resolve(listener);
          },
          onFailed: (fault) => {
            reject(errorOf(fault));
          },
          onAccepted: (connection) => {
            const socket = this.#socket(connection);
            listener.accepted(socket);
            return socket;
          },
          onAcceptFailed: () => undefined,
        },
      );
      if ('code' in opened) reject(errorOf(opened));
    });
  }

  connect(
    port: number,
    { receiveBuffer, address }: { receiveBuffer?: number; address?: string } = {},
  ): Promise<PortSocket> {
    const target = {
      address: address ?? this.#around.serverAddress,
      port,
      localPort: 0,
      receiveWindowBytes: windowOf(receiveBuffer),
    };
    return new Promise((resolve, reject) => {
      this.#around.stack.connect(target, {
        onConnected: (connection) => {
          const socket = this.#socket(connection);
          resolve(socket);
          return socket;
        },
        onFailed: (fault) => {
          reject(errorOf(fault));
        },
      });
    });
  }

  async connectAndReset(port: number, times: number): Promise<void> {
    for (let time = 0; time < times; time += 1) {
      await new Promise<void>((resolve, reject) => {
        this.#around.stack.connect(
          { address: this.#around.serverAddress, port, localPort: 0 },
          {
            onConnected: (connection) => {
              connection.abort();
              resolve();
              return new PortSocket(connection, () => this.#around.settle());
            },
            onFailed: (fault) => {
              reject(errorOf(fault));
            },
          },
        );
      });
    }
  }

  /** Bytes that have arrived from this port and were not read. */
  unread(remotePort: number): number {
    const socket = [...this.#sockets].findLast(({ connection }) => connection.remote.port === remotePort);
    return socket?.unread() ?? 0;
  }

  #socket(connection: Connection): PortSocket {
    const socket = new PortSocket(connection, () => this.#around.settle());
    this.#sockets.add(socket);
    return socket;
  }
}

class PortListener implements PeerListener {
  address = '';
  port = 0;
  #close: () => void = () => undefined;
  readonly #cut: (where: { readonly address: string; readonly port: number }) => void;
  readonly #ready: PortSocket[] = [];
  readonly #waiting: ((socket: PortSocket) => void)[] = [];

  constructor(cut: (where: { readonly address: string; readonly port: number }) => void) {
    this.#cut = cut;
  }

  opened(listener: { readonly local: { address: string; port: number }; close(): void }): void {
    ({ address: this.address, port: this.port } = listener.local);
    this.#close = () => {
      listener.close();
    };
  }

  accepted(socket: PortSocket): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#ready.push(socket);
    else waiting(socket);
  }

  accept(): Promise<PortSocket> {
    const socket = this.#ready.shift();
    if (socket !== undefined) return Promise.resolve(socket);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  goSilent(): Promise<void> {
    this.#cut({ address: this.address, port: this.port });
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#close();
    return Promise.resolve();
  }
}

class PortSocket implements PeerSocket, ConnectionEvents {
  readonly connection: Connection;
  readonly #rest: () => Promise<void>;
  readonly #received: Buffer[] = [];
  #unread = 0;
  #pieces = 0;
  #sent = 0;
  #end: 'fin' | 'reset' | undefined;
  #isClosed = false;
  #changed: (() => void)[] = [];

  /** @param rest resolves when nothing is under way. */
  constructor(connection: Connection, rest: () => Promise<void>) {
    this.connection = connection;
    this.#rest = rest;
  }

  get port(): number {
    return this.connection.local.port;
  }

  // ---- events

  onData(bytes: Uint8Array): void {
    this.#received.push(Buffer.from(bytes));
    this.#unread += bytes.length;
    this.#pieces += 1;
    this.#change();
  }

  onAcked(): void {
    this.#change();
  }

  onSpaceFreed(): void {
    this.#change();
  }

  onEnd(): void {
    this.#end = 'fin';
    this.#change();
  }

  onClosed(fault: Fault | undefined): void {
    this.#isClosed = true;
    if (fault !== undefined) this.#end = 'reset';
    this.#change();
  }

  #change(): void {
    const changed = this.#changed;
    this.#changed = [];
    for (const wake of changed) wake();
  }

  #untilChanged(): Promise<void> {
    return new Promise((resolve) => this.#changed.push(resolve));
  }

  // ---- requests of a case

  async send(text: string): Promise<void> {
    await this.#send(Buffer.from(text, 'latin1'));
  }

  async #send(bytes: Uint8Array): Promise<void> {
    for (let rest = bytes; rest.length > 0;) {
      if (this.#isClosed) throw new Error('send: the connection is over');
      const taken = this.connection.enqueueAndFlush(rest, COPY);
      this.#sent += taken;
      rest = rest.subarray(taken);
      if (rest.length === 0) return;
      this.connection.setWantsSpace(1);
      await this.#untilChanged();
    }
  }

  async sendPattern(seed: number, bytes: number, piece = 65_536): Promise<void> {
    this.#sent = 0;
    for (let offset = 0; offset < bytes; offset += piece) {
      await this.#send(pattern(seed, offset, Math.min(piece, bytes - offset)));
    }
  }

  sent(): Promise<number> {
    return Promise.resolve(this.#sent);
  }

  /** Bytes that have arrived and were not read, those that were not delivered among them. */
  unread(): number {
    return this.#unread + (this.connection.undelivered?.() ?? 0);
  }

  #take(most: number): Buffer {
    const all = Buffer.concat(this.#received.splice(0));
    const taken = all.subarray(0, most);
    if (taken.length < all.length) this.#received.push(all.subarray(taken.length));
    this.#unread -= taken.length;
    if (!this.#isClosed) this.connection.consume(taken.length);
    return taken;
  }

  async #read(most: number): Promise<Buffer> {
    while (this.#unread === 0 && this.#end === undefined) await this.#untilChanged();
    if (this.#unread === 0 && this.#end === 'reset') throw new Error('receive: the connection was reset');
    return this.#take(most);
  }

  async receive(bytes: number): Promise<string> {
    const got: Buffer[] = [];
    for (let left = bytes; left > 0;) {
      const piece = await this.#read(left);
      if (piece.length === 0) break;
      got.push(piece);
      left -= piece.length;
    }
    // The answer of a foreign program takes longer than the acknowledgement of the bytes that it has read.
    await this.#rest();
    return Buffer.concat(got).toString('latin1');
  }

  async receiveOnce(): Promise<string> {
    return (await this.#read(65_536)).toString('latin1');
  }

  receiveNow(): Promise<string | undefined> {
    if (this.#unread === 0 && this.#end === undefined) return Promise.resolve(undefined);
    return Promise.resolve(this.#take(65_536).toString('latin1'));
  }

  sendUrgent(): Promise<void> {
    return Promise.reject(new Error('the port knows no urgent data'));
  }

  segments(): Promise<number> {
    return Promise.resolve(this.#pieces);
  }

  async drain(seed = 0, piece = 65_536): ReturnType<PeerSocket['drain']> {
    const reader = new PatternReader(seed);
    try {
      for (let read = await this.#read(piece); read.length > 0; read = await this.#read(piece)) {
        reader.take(read);
      }
    } catch {
      // A reset, which `#end` has noted.
    }
    return { bytes: reader.bytes, matches: reader.matches, end: this.#end === 'fin' ? 'fin' : 'reset' };
  }

  shutdown(): Promise<void> {
    this.connection.shutdown();
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.connection.drop();
    this.#change();
    return Promise.resolve();
  }

  reset(): Promise<void> {
    this.#isClosed = true;
    this.connection.abort();
    this.#change();
    return Promise.resolve();
  }
}

/** Linux doubles SO_RCVBUF, for its own bookkeeping (socket(7)); the cases count on it. */
function windowOf(receiveBuffer: number | undefined): number | undefined {
  return receiveBuffer === undefined ? undefined : 2 * receiveBuffer;
}

function errorOf({ code, cause }: Fault): Error {
  return new Error(`fault ${code}`, { cause });
}
