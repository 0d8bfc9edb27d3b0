// The harness's view of one server process: start it, ask what memory it uses, stop it.

import { readFileSync } from 'node:fs';

import type { Contestant } from './contestants.js';
import { onCore } from './cores.js';
import { canTellHeap, serverCommand, SERVER_VARIABLES } from './launch.js';
import { withOpenFiles } from './open-files.js';
import { HEAP, PORT, type ServerMode, valueIn } from './protocol.js';
import { Talk } from './talk.js';
import type { Tools } from './tools.js';

const ANSWER_MS_MAX = 15_000;

export interface ServerPlace {
  readonly tools: Tools;
  readonly core: number | undefined;
  /** Connections that it will have at once. */
  readonly connections: number;
}

/** Bytes of a process's memory that are in RAM. */
function residentBytes(pid: number): number {
  // Exact, where /proc/<pid>/status is late by what each core has not added up yet.
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

  /** Resolves when the server listens. */
  static async start(contestant: Contestant, mode: ServerMode, place: ServerPlace): Promise<ServerProcess> {
    const command = withOpenFiles(place.connections, serverCommand(contestant, mode, place.tools));
    const talk = new Talk(`the server ${contestant.name}`, onCore(place.core, command), SERVER_VARIABLES);
    const port = valueIn(await talk.nextLine(ANSWER_MS_MAX), PORT);
    if (port === undefined) throw new Error(`the server ${contestant.name} gave no port`);
    return new ServerProcess(contestant, port, talk);
  }

  get pid(): number {
    return this.#talk.pid;
  }

  residentBytes(): number {
    return residentBytes(this.#talk.pid);
  }

  /** Bytes of the JavaScript heap in use after a collection, where the runtime is ours to ask. */
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
