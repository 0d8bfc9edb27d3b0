// The harness's view of one server process: start it, sample it, stop it.

import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';

import { childEnd, startChild } from './children.js';
import type { Contestant } from './contestants.js';
import { onCore } from './cores.js';
import { isServerMessage, SAMPLE_REQUEST, type SampleMessage, type ServerMessage } from './protocol.js';

const ANSWER_MS_MAX = 10_000;

function nextMessage(child: ChildProcess, name: string): Promise<ServerMessage> {
  return new Promise((resolve, reject) => {
    const settle = (finish: () => void): void => {
      clearTimeout(timer);
      child.off('message', onMessage).off('exit', onExit).off('error', onError);
      finish();
    };
    const fail = (what: string): void => settle(() => reject(new Error(`the server ${name} ${what}`)));
    const onExit = (): void => fail('ended unexpectedly');
    const onError = (error: Error): void => fail(`failed: ${error.message}`);
    const onMessage = (message: unknown): void => {
      if (isServerMessage(message)) settle(() => resolve(message));
      else fail('said something unknown');
    };
    const timer = setTimeout(() => fail(`was silent for ${ANSWER_MS_MAX} ms`), ANSWER_MS_MAX);
    child.on('message', onMessage).on('exit', onExit).on('error', onError);
  });
}

export class ServerProcess {
  readonly contestant: Contestant;
  readonly port: number;
  readonly #child: ChildProcess;

  private constructor(contestant: Contestant, port: number, child: ChildProcess) {
    this.contestant = contestant;
    this.port = port;
    this.#child = child;
  }

  /** Resolves when the server listens. */
  static async start(contestant: Contestant, core: number | undefined): Promise<ServerProcess> {
    const program = join(import.meta.dirname, 'servers', `${contestant.program}.js`);
    const command = onCore(core, [process.execPath, program, ...contestant.args]);
    const child = startChild(command, ['ignore', 'inherit', 'inherit', 'ipc']);
    const message = await nextMessage(child, contestant.name);
    if (message.kind !== 'listening') throw new Error(`the server ${contestant.name} gave no port`);
    return new ServerProcess(contestant, message.port, child);
  }

  async sample(): Promise<SampleMessage> {
    const answer = nextMessage(this.#child, this.contestant.name);
    this.#child.send(SAMPLE_REQUEST);
    const message = await answer;
    if (message.kind !== 'sample') throw new Error(`the server ${this.contestant.name} gave no sample`);
    return message;
  }

  async stop(): Promise<void> {
    const ended = childEnd(this.#child);
    if (this.#child.connected) this.#child.disconnect();
    await ended;
  }
}
