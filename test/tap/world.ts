/** The surroundings of a scenario: a twin on the TAP device, and programs and sockets of the kernel. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { AsyncServer, type AsyncClient } from 'asynctcp';
import { echo } from '#src/cli/services/echo.js';
import { openTapHost, type TapHost, type TapHostOptions } from '#src/tap.js';
import { KERNEL_ADDRESS, TAP, TWIN_ADDRESS, TWIN_ADDRESS_6 } from './scenario.js';

export const ECHO_PORT = 7;
/** Takes bytes until FIN, and answers with their digest. */
export const SINK_PORT = 9;
/** Sends what the program has set, and closes. */
export const SOURCE_PORT = 19;
/** A prime number of bytes, so that no piece that is lost or doubled stays without a trace. */
const SAMPLE = randomBytes(7_340_033);

export function openTwin(options: Partial<TapHostOptions> = {}): TapHost {
  return openTapHost({ device: TAP, addresses: [`${TWIN_ADDRESS}/24`, `${TWIN_ADDRESS_6}/64`], ...options });
}

export interface Ended {
  readonly status: number | null;
  readonly output: string;
}

/** Runs a foreign program, while this process serves it. Resolves when it has ended. */
export async function play(
  command: string,
  args: readonly string[],
  input: string | Buffer = '',
): Promise<Ended> {
  const child = spawn(command, args, { stdio: 'pipe' });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('latin1').on('data', (text: string) => (output += text));
  }
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, output };
}

/** As `play`; fails unless the status is 0. Returns the output. */
export async function playWell(
  command: string,
  args: readonly string[],
  input?: string | Buffer,
): Promise<string> {
  const { status, output } = await play(command, args, input);
  assert.equal(status, 0, `${command} ${args.join(' ')}: ${output}`);
  return output;
}

/** A stream of `bytes` bytes that does not repeat soon, piece by piece, and its digest. */
export class Stream {
  #left: number;
  #at = 0;
  readonly #hash = createHash('sha256');

  constructor(bytes: number) {
    this.#left = bytes;
  }

  get isOver(): boolean {
    return this.#left === 0;
  }

  /** Returns the next bytes, at most `most`. */
  peek(most: number): Uint8Array {
    return SAMPLE.subarray(this.#at, Math.min(SAMPLE.length, this.#at + Math.min(most, this.#left)));
  }

  /** Goes on behind the next `bytes` bytes. */
  skip(bytes: number): void {
    this.#hash.update(this.peek(bytes));
    this.#left -= bytes;
    this.#at = (this.#at + bytes) % SAMPLE.length;
  }

  digest(): string {
    return this.#hash.digest('hex');
  }
}

/** Calls `onStream` with the client, each time that it is connected, to send the stream and close. */
export function sendAll(client: AsyncClient, stream: Stream): void {
  const fill = (): void => {
    while (!stream.isOver && client.canSend()) {
      const piece = stream.peek(65_536);
      const taken = client.add(piece);
      if (taken === 0) break;
      stream.skip(taken);
    }
    client.send();
    if (stream.isOver) client.shutdown();
  };
  client.onAck(fill);
  fill();
}

/** The services of a twin. */
export class Services {
  readonly servers: AsyncServer[] = [];
  readonly #twin: TapHost;
  /** Number of bytes, and digest, of what the source has sent last. */
  source = new Stream(0);
  accepted = 0;
  ended = 0;

  constructor(twin: TapHost) {
    this.#twin = twin;
  }

  async begin(): Promise<void> {
    await this.#serve(ECHO_PORT, (client) => {
      echo.serve(client, { bytesIn: 0, bytesOut: 0 });
    });
    await this.#serve(SINK_PORT, (client) => {
      const hash = createHash('sha256');
      client.setAllowHalfOpen(true);
      client.onData((_, data) => hash.update(data));
      client.onEnd(() => {
        client.write(hash.digest('hex'));
        client.close();
      });
    });
    await this.#serve(SOURCE_PORT, (client) => {
      client.setAllowHalfOpen(true);
      sendAll(client, this.source);
    });
  }

  async #serve(port: number, onClient: (client: AsyncClient) => void): Promise<void> {
    const server = new AsyncServer(port, { stack: this.#twin.stack });
    server.onClient((client) => {
      this.accepted += 1;
      client.onDisconnect(() => (this.ended += 1));
      onClient(client);
    });
    await server.begin();
    this.servers.push(server);
  }
}

/** Resolves to a socket of the kernel that is connected to the twin. */
export async function reach(port: number, host = TWIN_ADDRESS): Promise<Socket> {
  const socket = connect({ port, host, allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
}

/** Sends a stream from the kernel to the twin's sink. Resolves when the digest that it answers is right. */
export async function sendToTwin(bytes: number): Promise<void> {
  const socket = await reach(SINK_PORT);
  const stream = new Stream(bytes);
  let answer = '';
  socket.on('data', (data) => (answer += data.toString('latin1')));
  const over = once(socket, 'end');
  while (!stream.isOver) {
    const piece = stream.peek(1_048_576);
    stream.skip(piece.length);
    if (!socket.write(piece)) await once(socket, 'drain');
  }
  socket.end();
  await over;
  assert.equal(answer, stream.digest());
}

/** Has the twin send a stream to the kernel. Resolves when its digest is right. */
export async function takeFromTwin(services: Services, bytes: number): Promise<void> {
  services.source = new Stream(bytes);
  const socket = await reach(SOURCE_PORT);
  const hash = createHash('sha256');
  let count = 0;
  socket.on('data', (data) => {
    count += data.length;
    hash.update(data);
  });
  await once(socket, 'end');
  socket.end();
  assert.equal(count, bytes);
  assert.equal(hash.digest('hex'), services.source.digest());
}

export { KERNEL_ADDRESS, TWIN_ADDRESS, TWIN_ADDRESS_6 };
