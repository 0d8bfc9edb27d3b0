/** Debian's lwIP as a peer: builds lwip-peer.c, runs it, and speaks with it in virtual time. */
import { execFileSync, spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { ROOT } from '../../docs/pages.js';

const SOURCE = join(ROOT, 'test', 'conformance', 'lwip-peer', 'lwip-peer.c');
const HEAD_BYTES = 5;

/** Returns the reason for which the peer cannot be built here; `undefined` if it can. */
export function whyNoPeer(): string | undefined {
  const flags = spawnSync('pkg-config', ['--exists', 'lwip']);
  if (flags.status !== 0) return "lwIP's headers are not installed (Debian: liblwip-dev, pkg-config)";
  const compiler = spawnSync('cc', ['--version']);
  return compiler.status === 0 ? undefined : 'there is no C compiler';
}

/** Builds the program in a folder, and returns its path. */
export function buildPeer(folder: string): string {
  const program = join(folder, 'lwip-peer');
  const flags = execFileSync('pkg-config', ['--cflags', '--libs', 'lwip'], { encoding: 'utf8' })
    .trim()
    .split(/\s+/);
  execFileSync('cc', ['-O1', '-Wall', '-Wextra', '-Werror', '-o', program, SOURCE, ...flags]);
  return program;
}

/** Orders to the program, see `obey` in lwip-peer.c. */
export type Order =
  'listen' | 'connect' | 'write' | 'echo' | 'hold' | 'consume' | 'shutdown' | 'close' | 'abort';

const LETTERS: Readonly<Record<Order, string>> = {
  listen: 'L',
  connect: 'C',
  write: 'W',
  echo: 'e',
  hold: 'H',
  consume: 'h',
  shutdown: 'S',
  close: 'X',
  abort: 'A',
};

/** What has happened on the program's connection. */
export interface PeerState {
  isConnected: boolean;
  received: number;
  acknowledged: number;
  hasEnded: boolean;
  /** Number of lwIP's err_t, of the callback for errors. */
  error: number | undefined;
  /** Place of the first byte that was wrong. */
  badByte: number | undefined;
}

export class LwipPeer {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #onPacket: (bytes: Uint8Array) => void;
  readonly state: PeerState = {
    isConnected: false,
    received: 0,
    acknowledged: 0,
    hasEnded: false,
    error: undefined,
    badByte: undefined,
  };
  /** Milliseconds from the last time that was set to the next timer. */
  sleepMs = 0;
  #rest: Buffer = Buffer.alloc(0);
  #done: (() => void) | undefined;
  #failed: ((error: Error) => void) | undefined;

  /** @param onPacket takes the IP packets that the program sends. */
  constructor(program: string, onPacket: (bytes: Uint8Array) => void) {
    this.#onPacket = onPacket;
    this.#process = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#process.stdout.on('data', (bytes: Buffer) => this.#take(bytes));
    this.#process.on('exit', (status) =>
      this.#failed?.(new Error(`lwip-peer ends with ${status ?? 'a signal'}`)),
    );
  }

  async setTime(ms: number): Promise<void> {
    await this.#send('T', wordOf(Math.round(ms)));
  }

  async receive(packet: Uint8Array): Promise<void> {
    await this.#send('P', packet);
  }

  async obey(order: Order, number = 0): Promise<void> {
    await this.#send(LETTERS[order], wordOf(number));
  }

  async end(): Promise<void> {
    this.#failed = undefined;
    const exit = once(this.#process, 'exit');
    this.#process.stdin.end();
    await exit;
  }

  async #send(type: string, body: Uint8Array): Promise<void> {
    const head = Buffer.alloc(HEAD_BYTES);
    head.write(type, 'latin1');
    head.writeUInt32LE(body.length, 1);
    const done = new Promise<void>((resolve, reject) => {
      this.#done = resolve;
      this.#failed = reject;
    });
    this.#process.stdin.write(Buffer.concat([head, body]));
    await done;
  }

  #take(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= HEAD_BYTES) {
      const end = HEAD_BYTES + this.#rest.readUInt32LE(1);
      if (this.#rest.length < end) return;
      const message = this.#rest.subarray(0, end);
      this.#rest = this.#rest.subarray(end);
      this.#takeMessage(message.toString('latin1', 0, 1), message.subarray(HEAD_BYTES));
    }
  }

  #takeMessage(type: string, body: Buffer): void {
    if (type === 'P') {
      this.#onPacket(Uint8Array.from(body));
    } else if (type === 'E') {
      this.#note(String.fromCharCode(body.readInt32LE(0)), body.readInt32LE(4));
    } else {
      this.sleepMs = body.readUInt32LE(0);
      this.#done?.();
    }
  }

  #note(event: string, number: number): void {
    const { state } = this;
    if (event === 'c' || event === 'a') state.isConnected = true;
    else if (event === 'r') state.received += number;
    else if (event === 's') state.acknowledged += number;
    else if (event === 'f') state.hasEnded = true;
    else if (event === 'e') state.error = number;
    else if (event === 'b') state.badByte ??= number;
  }
}

function wordOf(number: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(number);
  return bytes;
}
