/** Plays connections to a server of its own, many at once, and looks at what is left behind them. */
import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { memoryStack } from 'asynctcp';
import { connect, type Socket } from 'asynctcp/net';
import { AsyncWebServer } from 'asynctcp-web';
import { playConnection, type Totals } from './run.js';
import { configure, HOLD, LIMITS, SLOTS, type Watched } from './server.js';

/** Connections at once: fewer than the server's slots, so that most requests get one. */
const AT_ONCE = 150;
const WAIT_MS = 10;
const PATIENCE_MS = 30_000;

export interface FuzzOptions {
  readonly stack: 'memory' | 'kernel' | 'node';
  readonly seed: number;
  /** Requests, at least. */
  readonly requests: number;
  /** Folder with files. */
  readonly folder: string;
  /** Called from time to time. */
  readonly onProgress?: (totals: Totals) => void;
}

/** Lines that the server may log. */
const EXPECTED = /handler \/throw .*on purpose|its body broke off|has not answered within/s;

export class Fuzzer {
  readonly totals: Totals = { requests: 0, connections: 0, statuses: new Map() };
  readonly violations: string[] = [];
  readonly #options: FuzzOptions;
  readonly #server: AsyncWebServer;
  readonly #watched: Watched;
  readonly #open: () => Socket;
  #nextSeed: number;

  constructor(options: FuzzOptions) {
    this.#options = options;
    this.#nextSeed = options.seed;
    const stack = options.stack === 'memory' ? memoryStack() : options.stack;
    const log = (line: string): void => {
      if (!EXPECTED.test(line)) this.violations.push(`it logged: ${line}`);
    };
    this.#server = new AsyncWebServer(0, { host: '127.0.0.1', stack, limits: LIMITS, log });
    this.#watched = configure(this.#server, options.folder);
    this.#open = () => connect({ port: this.#server.port(), host: '127.0.0.1', stack });
  }

  async run(): Promise<void> {
    await this.#server.begin();
    const alive = setInterval(() => undefined, PATIENCE_MS);
    const before = this.#descriptors();
    await Promise.all(Array.from({ length: AT_ONCE }, () => this.#play()));
    if (this.violations.length === 0) await this.#lookAtRest(before);
    await this.#server.end(0);
    clearInterval(alive);
  }

  async #play(): Promise<void> {
    const target = { open: this.#open, hidden: this.#watched.hidden };
    while (this.totals.requests < this.#options.requests && this.violations.length === 0) {
      const seed = this.#nextSeed;
      this.#nextSeed += 1;
      const violation = await playConnection(seed, target, this.totals);
      if (violation !== undefined) this.violations.push(`connection with seed ${seed}: ${violation}`);
      if (this.totals.connections % 10_000 === 0) this.#options.onProgress?.(this.totals);
    }
  }

  /** Checks that connections, descriptors and slots are free again. */
  async #lookAtRest(descriptors: number): Promise<void> {
    await this.#wait('connections are left', async () => (await this.#connections()) === 0);
    await this.#wait('descriptors are left', () => this.#descriptors() <= descriptors);
    const sockets = Array.from({ length: SLOTS }, () => {
      const socket = this.#open().on('error', () => undefined);
      socket.write(`GET ${HOLD} HTTP/1.1\r\nHost: x\r\n\r\n`);
      return socket;
    });
    await this.#wait('slots are left', () => this.#watched.held.length === SLOTS);
    for (const socket of sockets) socket.destroy();
    if ('polluted' in {}) this.violations.push('the prototype of all objects has changed');
  }

  /** Returns the number of open sockets and files. Threads of Node open other descriptors when they like. */
  #descriptors(): number {
    const { folder } = this.#options;
    return readdirSync('/proc/self/fd').filter((name) => {
      const target = targetOf(name);
      return target.startsWith('socket:') || target.startsWith(folder);
    }).length;
  }

  #connections(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.server.getConnections((error, count) => {
        if (error === null) resolve(count);
        else reject(error);
      });
    });
  }

  async #wait(violation: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    const endMs = performance.now() + PATIENCE_MS;
    while (!(await condition())) {
      if (performance.now() > endMs) {
        this.violations.push(violation);
        return;
      }
      await sleep(WAIT_MS);
    }
  }
}

/** Files of the folder. */
export const FILES: Readonly<Record<string, string | Uint8Array>> = {
  'a.txt': 'abcdefgh',
  'a.txt.gz': Buffer.from('H4sIAAAAAAAAA0tMSk5JTUvPAABQKu+uCAAAAA==', 'base64'),
  'index.html': '<p>',
  't.txt': 'a %NAME% b %LATER% c %OTHER% %',
  'large.bin': Buffer.alloc(300_000, 'x'),
};

/** Returns what a descriptor of this process stands for; an empty text if it has been closed. */
function targetOf(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return '';
  }
}
