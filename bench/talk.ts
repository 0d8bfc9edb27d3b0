// A child process that exchanges lines with the harness on its standard output and input. It ends with its
// standard input.

import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';

import { childEnd, type Command, startChild } from './children.js';

const END_MS_MAX = 10_000;

export class Talk {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #input: Writable;
  readonly #lines: AsyncIterator<string>;

  /** @param name for error messages. */
  constructor(name: string, command: Command, variables?: Readonly<Record<string, string>>) {
    const child = startChild(command, ['pipe', 'pipe', 'inherit'], variables);
    const { stdin, stdout } = child;
    if (stdin === null || stdout === null) throw new Error(`${name} has no pipes`);
    stdin.on('error', () => undefined); // it has ended; its status says why
    this.#name = name;
    this.#child = child;
    this.#input = stdin;
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) throw new Error(`${this.#name} could not be started`);
    return pid;
  }

  async nextLine(msMax: number): Promise<string> {
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`${this.#name} was silent for ${msMax} ms`)), msMax);
    });
    try {
      const next = await Promise.race([this.#lines.next(), silence]);
      if (next.done !== true) return next.value;
    } finally {
      clearTimeout(timer);
    }
    const status = await childEnd(this.#child, END_MS_MAX);
    throw new Error(`${this.#name} failed (status ${String(status)}, see above)`);
  }

  say(word: string): void {
    this.#input.write(`${word}\n`);
  }

  /** Ends the child's standard input, and waits until the child has ended. */
  async end(): Promise<void> {
    this.#input.end();
    const status = await childEnd(this.#child, END_MS_MAX);
    if (status !== 0) throw new Error(`${this.#name} ended with status ${String(status)} (see above)`);
  }
}
