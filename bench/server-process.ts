// A server process: starts it, measures its memory, stops it.

import { readFileSync } from 'node:fs';

import type { Contestant } from './contestants.js';
import { onCores } from './cores.js';
import { canTellHeap, serverCommand, SERVER_VARIABLES } from './launch.js';
import { withOpenFiles } from './open-files.js';
import { ASK, HEAP, lineOf, type Mode, PORT, valueIn } from './protocol.js';
import { Talk } from './talk.js';
import type { Tools } from './tools.js';

const ANSWER_MS_MAX = 15_000;

export interface ServerPlace {
  readonly tools: Tools;
  /** `undefined`: any. */
  readonly cores: readonly number[] | undefined;
  /** Most connections at once. */
  readonly connections: number;
}

/** Returns the bytes of a process's memory that are in RAM. */
function residentBytes(pid: number): number {
  // Exact, unlike /proc/<pid>/status, in which the counts of each core are added late.
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kibibytes = /^Rss:\s*(\d+) kB$/m.exec(rollup)?.[1];
  if (kibibytes === undefined) throw new Error('the kernel does not tell what memory a process has');
  return Number(kibibytes) * 1024;
}

export class ServerProcess {
  readonly port: number;
  readonly #contestant: Contestant;
  readonly #talk: Talk;

  private constructor(contestant: Contestant, port: number, talk: Talk) {
    this.port = port;
    this.#contestant = contestant;
    this.#talk = talk;
  }

  /** Starts a server. Resolves when it listens. */
  static async start(contestant: Contestant, mode: Mode, place: ServerPlace): Promise<ServerProcess> {
    const command = withOpenFiles(place.connections, serverCommand(contestant, mode, place.tools));
    const talk = new Talk(`the server ${contestant.name}`, onCores(place.cores, command), SERVER_VARIABLES);
    const port = valueIn(await talk.nextLine(ANSWER_MS_MAX), PORT);
    if (port === undefined) throw new Error(`the server ${contestant.name} gave no port`);
    return new ServerProcess(contestant, port, talk);
  }

  get pid(): number {
    return this.#talk.pid;
  }

  /** Starts the requests of a program that makes them, to a port on 127.0.0.1. */
  askAt(port: number): void {
    this.#talk.say(lineOf(ASK, port).trimEnd());
  }

  residentBytes(): number {
    return residentBytes(this.#talk.pid);
  }

  /** Resolves to the bytes of the JavaScript heap in use after a collection, if the server reports them. */
  async heapBytes(): Promise<number | undefined> {
    if (!canTellHeap(this.#contestant)) return undefined;
    this.#talk.say(HEAP);
    const bytes = valueIn(await this.#talk.nextLine(ANSWER_MS_MAX), HEAP);
    if (bytes === undefined) throw new Error(`the server ${this.#contestant.name} did not tell its heap`);
    return bytes;
  }

  async stop(): Promise<void> {
    await this.#talk.end();
  }
}
