/** Runs programs that a test has as text and programs of this folder, and connects to them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { start, type Program } from '../programs.js';

/** Ends a test that hangs. */
export const HANGS_MS = 120_000;

export const MAIN = fileURLToPath(new URL('../../../../dist/cli/main.js', import.meta.url));
const DOOR = new URL('../../../../dist/index.js', import.meta.url).href;

/** URL of the program `server.ts`. */
export const SERVER = new URL('server.js', import.meta.url);

/** Makes a folder that is removed after the test. */
export function temporaryFolder(test: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'asynctcp-'));
  test.after(() => {
    rmSync(folder, { recursive: true });
  });
  return folder;
}

/**
 * Writes a program text into a file and returns its path. The first line imports the library as `asynctcp`;
 * the text begins in the second line.
 */
export function program(test: TestContext, text: string, door = DOOR): string {
  const file = join(temporaryFolder(test), 'program.mjs');
  writeFileSync(file, `import * as asynctcp from '${door}';\n${text}\n`);
  return file;
}

/** Starts `asynctcp run` with these arguments. */
export function startRun(test: TestContext, words: readonly string[], env: NodeJS.ProcessEnv = {}): Program {
  return start(test, process.execPath, [MAIN, 'run', ...words], env);
}

/** Starts a program whose standard input is a redirection of the shell. */
export function startWithInput(
  test: TestContext,
  redirection: string,
  words: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Program {
  return start(test, 'sh', ['-c', `exec "$@" ${redirection}`, 'sh', process.execPath, ...words], env);
}

/** A socket on `node:net`, with the text that it received and how it ended. */
export class Visit {
  text = '';
  readonly socket: Socket;
  /** Resolves to 'end', or to the code of the error, such as 'ECONNRESET'. */
  readonly ended: Promise<string>;
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('utf8').on('data', (text: string) => {
      this.text += text;
      this.#wake?.();
    });
    this.ended = new Promise((resolve) => {
      socket.on('error', (error) => {
        resolve('code' in error ? String(error.code) : error.message);
      });
      socket.on('close', () => {
        resolve('end');
        this.#wake?.();
      });
    });
  }

  /** Sends a question. Resolves to an answer of `length` characters. */
  async ask(question: string, length: number): Promise<string> {
    this.text = '';
    this.socket.write(question);
    while (this.text.length < length) {
      if (this.socket.closed) throw new Error(`the connection ended after ${JSON.stringify(this.text)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.text;
  }
}

/** Connects, and waits for a first answer of the server. */
export async function visit(test: TestContext, port: number): Promise<Visit> {
  const socket = connect(port, '127.0.0.1');
  test.after(() => socket.destroy());
  await once(socket, 'connect');
  const visitor = new Visit(socket);
  await visitor.ask('.', 1);
  return visitor;
}
