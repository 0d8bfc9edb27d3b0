/** One end of a connection: does what a program says, and writes down what its socket shows. */
import type net from 'node:net';
import { Writable } from 'node:stream';
import { isText, piece } from './corpus.js';
import type { Act, EndOptions, Form, Hook } from './program.js';

/** Acts that a hook does. */
export type Hooks = readonly { readonly on: Hook; readonly act: Act }[];

/** Bytes that the sink of a pipe holds before it asks the socket to wait. */
const SINK_BYTES = 2000;

/** Turns of the event loop within which a write calls back once its bytes have arrived. */
const LATE_TURNS = 2;

/** A write whose callback has not come. */
interface Uncalled {
  readonly name: string;
  /** Turns in which all bytes had arrived. */
  turns: number;
}

export class WatchedEnd {
  /** What the end has seen, in order. Data that comes in several pieces is one line. */
  readonly log: string[] = [];
  readonly options: EndOptions;
  readonly #hooks = new Map<Hook, Act[]>();
  readonly #abort: AbortController;
  socket: net.Socket | undefined;
  received = 0;
  written = 0;
  #writes = 0;
  /** Writes whose callback has not come, by their numbers. */
  readonly #uncalled = new Map<number, Uncalled>();
  #corks = 0;
  #isPaused = false;
  #listensToData = false;
  /** True from a time on at which data may have arrived without any reader. */
  discards = false;
  hasReset = false;
  /** True if a write has failed or was given up: the other end may get a part of it. */
  hasGivenUp = false;
  #sinkHasFinished = false;
  #encoding: BufferEncoding | undefined;

  constructor(options: EndOptions, abort: AbortController, hooks: Hooks = []) {
    this.options = options;
    this.#abort = abort;
    for (const { on, act } of hooks) this.#hooks.set(on, [...(this.#hooks.get(on) ?? []), act]);
  }

  /** Watches a socket, from its beginning. */
  watch(socket: net.Socket): void {
    this.socket = socket;
    this.#listensToData = this.options.reading === 'data';
    this.#watchEvents(socket);
    this.#beginReading(socket);
  }

  #note(line: string): void {
    this.log.push(line);
  }

  /** Notes an event, and does what a hook wants done at its first time. */
  #event(name: Hook, line: string = name): void {
    this.#note(line);
    const acts = this.#hooks.get(name) ?? [];
    this.#hooks.delete(name);
    for (const act of acts) {
      if (act.do === 'pause' && name !== 'data') this.beforePausing();
      this.do(act);
    }
  }

  #watchEvents(socket: net.Socket): void {
    socket.on('connect', () => {
      this.#noteEnds(socket);
      this.#event('connect');
    });
    socket.on('end', () => {
      // The bytes that a pipe's sink has taken by now depend on the pieces in which they came.
      const isCounted = !this.discards && this.options.reading !== 'pipe';
      this.#event('end', isCounted ? `end of ${this.received} bytes` : 'end');
      // The socket has ended by itself, and sends what was corked.
      if (!socket.allowHalfOpen && this.#corks > 0) this.beforeSending();
    });
    for (const name of ['finish', 'drain'] as const) {
      socket.on(name, () => {
        this.#event(name);
      });
    }
    for (const name of ['ready', 'timeout', 'prefinish']) {
      socket.on(name, () => {
        this.#note(name);
      });
    }
    socket.on('lookup', (error: Error | null, address: string, family: number) => {
      this.#note(`lookup ${String(error)} ${address} ${family}`);
    });
    socket.on('error', (error) => {
      this.#event('error', `error ${shown(error)}`);
    });
    socket.on('close', (hadError) => {
      this.#event('close', `close ${String(hadError)}`);
    });
  }

  /** Called in the server's event 'connection'. */
  accepted(): void {
    if (this.socket !== undefined) this.#noteEnds(this.socket);
    this.#event('connect', 'connection');
  }

  // ---- reading

  #beginReading(socket: net.Socket): void {
    const { reading } = this.options;
    if (reading === 'data') this.#listen(socket);
    else if (reading === 'readable') {
      socket.on('readable', () => {
        for (let data: unknown = socket.read(); data !== null; data = socket.read()) this.#read(data);
      });
    } else if (reading === 'pipe') socket.pipe(this.#sink());
    else if (reading === 'iterator') void this.#iterate(socket);
  }

  #listen(socket: net.Socket): void {
    this.#listensToData = true;
    socket.on('data', (data) => {
      this.take(data);
    });
  }

  #sink(): Writable {
    const sink = new Writable({
      highWaterMark: SINK_BYTES,
      decodeStrings: false,
      write: (data: unknown, _encoding, done) => {
        this.take(data);
        setImmediate(done);
      },
    });
    sink.on('finish', () => {
      this.#sinkHasFinished = true;
    });
    return sink;
  }

  async #iterate(socket: net.Socket): Promise<void> {
    try {
      for await (const data of socket) this.take(data);
      this.#note('iterator: done');
    } catch (error) {
      this.#note(`iterator: ${shown(error)}`);
    }
  }

  /** With a listener of 'data', which a pipe has as well, the data came there. */
  #read(data: unknown): void {
    if (!this.#listensToData && this.options.reading !== 'pipe') this.take(data);
  }

  take(data: unknown): void {
    const bytes = typeof data === 'string' ? Buffer.from(data, this.#encoding) : data;
    if (!(bytes instanceof Uint8Array)) return;
    if (!this.discards && !isText(this.received, bytes)) this.#note(`wrong bytes from ${this.received} on`);
    this.received += bytes.length;
    const hook = this.#hooks.has('data');
    if (this.log.at(-1) !== 'data') this.#note('data');
    if (!hook) return;
    this.log.pop();
    this.#event('data');
  }

  /** True if all that arrives is taken. */
  get consumes(): boolean {
    const { socket } = this;
    if (socket === undefined || socket.destroyed || socket.connecting) return false;
    const { reading } = this.options;
    if (reading === 'none' && !this.#listensToData) return false;
    if (reading === 'readable' || reading === 'iterator') return true;
    if (reading === 'pipe') return !this.#isPaused && socket.readableFlowing !== null;
    if (reading === 'onread') return !this.#isPaused;
    return socket.readableFlowing === true;
  }

  // ---- writing

  /** Bytes that are on their way at least: a cork may hold back all. */
  get sent(): number {
    return this.isHeld ? 0 : this.written;
  }

  /** True if nothing leaves at present. */
  get isHeld(): boolean {
    return this.#corks > 0 || this.socket?.connecting !== false;
  }

  #piece(socket: net.Socket, bytes: number, form: Form): string | Uint8Array {
    const next = piece(this.written, bytes, form);
    if (socket.writable && !socket.writableEnded) this.written += next.bytes;
    return next.data;
  }

  #callback(name: string): (error?: Error | null) => void {
    const number = this.#writes;
    this.#writes += 1;
    this.#uncalled.set(number, { name, turns: 0 });
    return (error) => {
      if (!this.#uncalled.delete(number)) this.#note(`${name} ${number} called back again`);
      if (error) this.hasGivenUp = true;
      this.#event('written', `${name} ${number} done${error ? ` ${shown(error)}` : ''}`);
    };
  }

  /**
   * Notes writes that have not called back although all bytes have been with the other end for some turns:
   * writes that waited together call back together. Called in each turn of a rest.
   * @param arrived bytes that the other end has received.
   */
  noteLateCallbacks(arrived: number): void {
    if (this.isHeld || this.written > arrived) return;
    for (const [number, write] of this.#uncalled) {
      // The callback of `end` waits for more than its bytes.
      if (write.name === 'end') continue;
      write.turns += 1;
      if (write.turns === LATE_TURNS) this.#note(`write ${number} called back late`);
    }
  }

  /** True if a write has not called back. */
  get waitsForCallbacks(): boolean {
    return this.#uncalled.size > 0;
  }

  #write(socket: net.Socket, { bytes, form, calls }: Act & { do: 'write' }): void {
    const data = this.#piece(socket, bytes, form);
    const encoding = typeof data === 'string' ? asEncoding(form) : undefined;
    const done = calls ? this.#callback('write') : undefined;
    this.#note(`write: ${String(socket.write(data, encoding, done))}`);
  }

  #end(socket: net.Socket, { bytes, form, calls }: Act & { do: 'end' }): void {
    this.#corks = 0;
    const done = calls ? this.#callback('end') : undefined;
    if (bytes === 0) {
      socket.end(done);
      return;
    }
    const data = this.#piece(socket, bytes, form);
    if (typeof data === 'string') socket.end(data, asEncoding(form), done);
    else socket.end(data, done);
  }

  // ---- what is not compared

  /** Lines of the log that two runs have in common for certain. */
  comparable: number | undefined;

  /** Ends the comparison: what follows depends on what each stack reads ahead. */
  cut(): void {
    this.comparable ??= this.log.length;
  }

  // ---- acts

  /** Called before an act that sends. */
  beforeSending: () => void = () => undefined;
  /** Called before a pause in an event that data may cross. */
  beforePausing: () => void = () => undefined;

  /** Does an act, at once. */
  do(act: Act): void {
    const { socket } = this;
    if (socket === undefined) return;
    if (sends(act)) this.beforeSending();
    if (destroys(act) && socket.writableLength > 0) this.hasGivenUp = true;
    if (act.do === 'write') this.#write(socket, act);
    else if (act.do === 'end') this.#end(socket, act);
    else if (act.do === 'destroy') socket.destroy(act.fails ? new Error('the program’s own') : undefined);
    else if (act.do !== 'read') this.#set(socket, act);
    else if (this.options.reading !== 'iterator') this.#read(socket.read(this.#wholeBytes(act.bytes)));
  }

  /** Returns the length of whole bytes: a decoded byte may be two characters. */
  #wholeBytes(length: number): number {
    return this.#encoding === 'hex' ? length - (length % 2) : length;
  }

  #set(socket: net.Socket, act: Exclude<Act, { do: 'write' | 'end' | 'destroy' | 'read' }>): void {
    switch (act.do) {
      case 'setEncoding':
        if (this.#encoding !== undefined) return;
        this.#encoding = act.encoding;
        socket.setEncoding(act.encoding);
        return;
      case 'cork':
        this.#corks += 1;
        socket.cork();
        return;
      case 'uncork':
        this.#corks = Math.max(0, this.#corks - 1);
        socket.uncork();
        return;
      case 'pause':
      case 'resume':
        this.#isPaused = act.do === 'pause';
        if (this.options.reading === 'none' && !this.#listensToData) this.discards = true;
        socket[act.do]();
        return;
      case 'startReading':
        if (this.options.reading === 'none' || this.options.reading === 'data') this.#startReading(socket);
        return;
      case 'abort':
        this.#abort.abort();
        return;
      case 'timeout':
        return;
      case 'setNoDelay':
      case 'setKeepAlive':
        socket[act.do](act.on);
        return;
      case 'resetAndDestroy':
        // Node reports EINVAL while it shuts down, and such a socket never closes.
        if (socket.writableEnded && !socket.writableFinished) return;
        this.hasReset = true;
        socket.resetAndDestroy();
        return;
      case 'destroySoon':
      case 'ref':
      case 'unref':
        socket[act.do]();
    }
  }

  #startReading(socket: net.Socket): void {
    if (!this.#listensToData) this.#listen(socket);
  }

  /** Takes all that comes from now on. */
  open(): void {
    this.do({ do: 'startReading' });
    this.do({ do: 'resume' });
  }

  /** Sends what is held back, and ends. */
  finish(): void {
    const { socket } = this;
    if (socket === undefined) return;
    while (this.#corks > 0) this.do({ do: 'uncork' });
    if (!socket.writableEnded && !socket.destroyed) socket.end();
  }

  // ---- what it shows

  /** Changes whenever something happens. */
  get progress(): string {
    const { socket } = this;
    return `${this.log.length} ${this.received} ${socket?.bytesRead} ${socket?.writableLength} ${socket?.readyState}`;
  }

  /** Notes what the socket's properties show at rest. */
  noteState(): void {
    const { socket } = this;
    if (socket === undefined) return;
    const { readyState, pending, connecting, destroyed, closed, readable, writable, errored } = socket;
    const { readableEnded, writableEnded, writableFinished, allowHalfOpen, timeout } = socket;
    this.#note(
      JSON.stringify({
        ...{ readyState, pending, connecting, destroyed, closed, readable, writable },
        ...{ readableEnded, writableEnded, writableFinished, allowHalfOpen, timeout },
        errored: errored === null ? null : shown(errored),
        bytesWritten: socket.bytesWritten,
        writableLength: socket.writableLength,
        sink: this.#sinkHasFinished && (this.discards || this.received),
        ...(this.consumes && !this.discards ? { received: this.received, bytesRead: socket.bytesRead } : {}),
      }),
    );
  }

  /** Notes the two addresses, when they are known at first. */
  #noteEnds(socket: net.Socket): void {
    const { remoteFamily, remoteAddress, localFamily, localAddress, remotePort, localPort } = socket;
    const ports = `${typeof remotePort} ${typeof localPort}`;
    this.#note(`${localFamily} ${localAddress} to ${remoteFamily} ${remoteAddress}, ports ${ports}`);
  }
}

function sends({ do: name }: Act): boolean {
  return name === 'write' || name === 'end' || name === 'destroySoon' || name === 'uncork';
}

function destroys({ do: name }: Act): boolean {
  return name === 'destroy' || name === 'abort' || name === 'resetAndDestroy';
}

function asEncoding(form: Form): BufferEncoding | undefined {
  return form === 'buffer' || form === 'uint8array' ? undefined : form;
}

/** Returns an error as text, without what differs between two runs. */
export function shown(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, errno, syscall } = error as NodeJS.ErrnoException;
  const message = error.message.replace(/:\d+\b/g, ':PORT');
  return [error.name, code, errno, syscall, `(${message})`].filter((part) => part !== undefined).join(' ');
}
