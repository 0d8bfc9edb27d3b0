/**
 * The surroundings of one scenario: the stack, its clients and servers, foreign peers, the kernel's settings
 * and limits.
 */
import { execFile, spawn } from 'node:child_process';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import {
  AsyncClient,
  AsyncServer,
  kernelStack,
  type KernelStackOptions,
  type ServerOptions,
  type TcpStack,
} from 'asynctcp';
import { History } from '../contract/history.js';
import { Program, whatIsMissing, type Peer } from '../e2e/programs.js';
export { kernelEnd, kernelSockets } from '../peers/kernel-sockets.js';
import { PythonPeer, type PythonListener, type PythonSocket } from '../peers/python-peer.js';
import { until } from '../support/until.js';

const run = promisify(execFile);
export const ADDRESS = '127.0.0.1';
const BEAT_MS = 2;
/** Limit of descriptors in a shortage, so that few have to be opened. */
const STARVING_LIMIT = 512;

/** An established connection that carries an echo some hundred times a second. */
export interface Heartbeat {
  readonly beats: number;
  readonly history: History;
}

export interface Linked {
  readonly client: AsyncClient;
  readonly history: History;
  readonly listener: PythonListener;
  readonly peer: PythonSocket;
}

export class World {
  readonly stack: TcpStack = kernelStack();
  #peer: PythonPeer | undefined;
  readonly #clients: AsyncClient[] = [];
  readonly #servers: AsyncServer[] = [];
  readonly #programs: Program[] = [];

  /** A TCP peer in a process of its own. */
  get peer(): PythonPeer {
    return (this.#peer ??= new PythonPeer(ADDRESS));
  }

  async end(): Promise<void> {
    for (const client of this.#clients) client.abort();
    for (const server of this.#servers) await server.end();
    for (const program of this.#programs) await program.kill();
    await this.#peer?.end();
  }

  /** Returns a client that records its callbacks. */
  client(stack = this.stack): History {
    const client = new AsyncClient({ stack });
    this.#clients.push(client);
    return new History(client);
  }

  /** Resolves to a server that listens. */
  async serve(
    onClient: (client: AsyncClient) => void,
    options: ServerOptions & { readonly port?: number } = {},
  ): Promise<AsyncServer> {
    const { port = 0, ...others } = options;
    const server = new AsyncServer(port, { address: ADDRESS, stack: this.stack, ...others });
    this.#servers.push(server);
    server.onClient((client) => {
      this.#clients.push(client);
      onClient(client);
    });
    await server.begin();
    return server;
  }

  /** Connects a client to the foreign peer. Its acknowledgement timeout is 100 ms. */
  async linked(options?: KernelStackOptions, listening: { receiveBuffer?: number } = {}): Promise<Linked> {
    const listener = await this.peer.listen(listening);
    const history = this.client(options === undefined ? this.stack : kernelStack(options));
    history.client.setAckTimeout(100);
    history.connect(ADDRESS, listener.port);
    const peer = await listener.accept();
    await this.until('it is connected', () => history.has('connect'));
    return { client: history.client, history, listener, peer };
  }

  async startHeartbeat(): Promise<Heartbeat> {
    const server = await this.serve((accepted) => {
      accepted.onData((_, data) => accepted.write(data));
    });
    const history = this.client();
    const heartbeat = { beats: 0, history };
    history.onEvent = (event) => {
      if (event === 'data') heartbeat.beats += 1;
      if (event === 'connect') history.client.write('beat');
      if (event === 'data') setTimeout(() => history.client.write('beat'), BEAT_MS);
    };
    history.connect(ADDRESS, server.port());
    await this.expectBeats(heartbeat);
    return heartbeat;
  }

  /** Waits until the established connection has carried 20 more echoes. */
  async expectBeats(heartbeat: Heartbeat): Promise<void> {
    const enough = heartbeat.beats + 20;
    await this.until('the established connection carries more', () => heartbeat.beats >= enough);
  }

  readonly until = until;

  /** Starts a foreign program. It is killed at the end of the scenario. */
  start(peer: Peer, ...args: string[]): Program {
    const missing = whatIsMissing([peer]);
    if (missing !== undefined) throw new Error(missing);
    return this.run(peer, args);
  }

  run(command: string, args: readonly string[]): Program {
    const program = new Program(spawn(command, args, { stdio: 'pipe' }));
    this.#programs.push(program);
    return program;
  }

  /** Sets a value below /proc/sys/net. Only for scenarios with a network of their own. */
  setKernel(name: string, value: string): void {
    writeFileSync(`/proc/sys/net/${name}`, value);
  }

  async ip(...words: string[]): Promise<void> {
    await run('ip', words);
  }

  /**
   * Makes the firewall of this network namespace drop the packets that the nftables expressions match.
   * Resolves to a function that removes the rules. Only for scenarios with a network of their own.
   */
  async cut(...matches: string[]): Promise<() => Promise<void>> {
    const rules = matches.map((match) => `${match} drop`).join('\n');
    await run('nft', [`table inet cut {\nchain in {\ntype filter hook input priority 0;\n${rules}\n}\n}`]);
    return async () => {
      await run('nft', ['delete table inet cut']);
    };
  }

  /** Uses up all descriptors but the stack's reserve. Resolves to a function that frees them. */
  async starve(): Promise<() => Promise<void>> {
    const giveBack = await this.limitDescriptors(STARVING_LIMIT);
    const taken: number[] = [];
    try {
      for (;;) taken.push(openSync('/dev/null', 'r'));
    } catch {
      // EMFILE: no descriptor is left.
    }
    return async () => {
      for (const descriptor of taken) closeSync(descriptor);
      await giveBack();
    };
  }

  /** Sets the limit of open descriptors. Resolves to a function that restores it. */
  async limitDescriptors(limit: number): Promise<() => Promise<void>> {
    const self = ['--pid', String(process.pid)];
    const read = [...self, '--nofile', '--output=SOFT', '--noheadings'];
    const before = (await run('prlimit', read)).stdout.trim();
    // Started now, because later there may be no descriptor to start it with.
    const later = this.run('sh', ['-c', 'read _ && exec prlimit "$@"', 'sh', ...self, `--nofile=${before}:`]);
    await run('prlimit', [...self, `--nofile=${limit}:`]);
    return async () => {
      later.type('\n');
      const { status } = await later.ended;
      if (status !== 0) throw new Error(later.stderr.text);
    };
  }
}
