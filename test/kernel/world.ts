/** The world of one scenario: the stack, its clients and servers, foreign peers, the kernel's own view. */
import { execFile, spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, writeFileSync } from 'node:fs';
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

const run = promisify(execFile);
export const ADDRESS = '127.0.0.1';
/** How long nothing may move before a scenario is given up. No scenario that passes waits for it. */
const PATIENCE_MS = 60_000;
const PULSE_MS = 2;
/** Descriptors that a starving process is limited to, so that few have to be opened. */
const STARVING_LIMIT = 512;

export function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** An echo that goes on as long as it is let, some hundred times a second: a running connection. */
export interface Pulse {
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

  /** The foreign peer. */
  get peer(): PythonPeer {
    return (this.#peer ??= new PythonPeer(ADDRESS));
  }

  async end(): Promise<void> {
    for (const client of this.#clients) client.abort();
    for (const server of this.#servers) await server.end();
    for (const program of this.#programs) await program.kill();
    await this.#peer?.end();
  }

  /** A client that writes down what happens to it. */
  client(stack = this.stack): History {
    const client = new AsyncClient({ stack });
    this.#clients.push(client);
    return new History(client);
  }

  /** A server that listens. */
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

  /** A client of ours, connected to the foreign peer, with an acknowledgement timeout of 100 ms. */
  async linked(options?: KernelStackOptions, listening: { receiveBuffer?: number } = {}): Promise<Linked> {
    const listener = await this.peer.listen(listening);
    const history = this.client(options === undefined ? this.stack : kernelStack(options));
    history.client.setAckTimeout(100);
    history.connect(ADDRESS, listener.port);
    const peer = await listener.accept();
    await this.until('it is connected', () => history.has('connect'));
    return { client: history.client, history, listener, peer };
  }

  async pulse(): Promise<Pulse> {
    const server = await this.serve((accepted) => {
      accepted.onData((_, data) => accepted.write(data));
    });
    const history = this.client();
    const pulse = { beats: 0, history };
    history.also = (event) => {
      if (event === 'data') pulse.beats += 1;
      if (event === 'connect') history.client.write('beat');
      if (event === 'data') setTimeout(() => history.client.write('beat'), PULSE_MS);
    };
    history.connect(ADDRESS, server.port());
    await this.goesOn(pulse);
    return pulse;
  }

  /** Waits until a running connection has carried more. */
  async goesOn(pulse: Pulse): Promise<void> {
    const enough = pulse.beats + 20;
    await this.until('the running connection goes on', () => pulse.beats >= enough);
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    const deadlineMs = performance.now() + PATIENCE_MS;
    while (!condition()) {
      if (performance.now() > deadlineMs) throw new Error(`waited in vain until ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** A foreign program that lives as long as the scenario at most. */
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

  /** Sets a number of this network namespace; only for scenarios that have one of their own. */
  setKernel(name: string, value: string): void {
    writeFileSync(`/proc/sys/net/${name}`, value);
  }

  async ip(...words: string[]): Promise<void> {
    await run('ip', words);
  }

  /**
   * The firewall of this network namespace: drops what these matches of nftables describe, as if the cable
   * had lost it. Resolves when that holds; what it returns lets everything pass again.
   */
  async cut(...matches: string[]): Promise<() => Promise<void>> {
    const rules = matches.map((match) => `${match} drop`).join('\n');
    await run('nft', [`table inet cut {\nchain in {\ntype filter hook input priority 0;\n${rules}\n}\n}`]);
    return async () => {
      await run('nft', ['delete table inet cut']);
    };
  }

  /** Takes every descriptor that is left, but for the one that the stack keeps. Resolves to its end. */
  async starve(): Promise<() => Promise<void>> {
    const giveBack = await this.limitDescriptors(STARVING_LIMIT);
    const taken: number[] = [];
    try {
      for (;;) taken.push(openSync('/dev/null', 'r'));
    } catch {
      // EMFILE: that was the last one.
    }
    return async () => {
      for (const descriptor of taken) closeSync(descriptor);
      await giveBack();
    };
  }

  /** Limits the number that a new descriptor may have, for a time: what it returns is called at its end. */
  async limitDescriptors(limit: number): Promise<() => Promise<void>> {
    const self = ['--pid', String(process.pid)];
    const read = [...self, '--nofile', '--output=SOFT', '--noheadings'];
    const before = (await run('prlimit', read)).stdout.trim();
    // Started now: then there may be no descriptor to start it with.
    const later = this.run('sh', ['-c', 'read _ && exec prlimit "$@"', 'sh', ...self, `--nofile=${before}:`]);
    await run('prlimit', [...self, `--nofile=${limit}:`]);
    return async () => {
      later.type('\n');
      const { status } = await later.ended;
      if (status !== 0) throw new Error(later.stderr.text);
    };
  }
}
