/**
 * The contract suite's target for the memory stack: client, server and peer are three machines on one network
 * in this process. Nothing here waits for the machine's time.
 */
import {
  AsyncClient,
  AsyncServer,
  memoryStack,
  type ClientHandler,
  type Lookup,
  type MemoryStack,
  type ServerOptions,
  type SteppedClock,
  type TcpStack,
} from 'asynctcp';
import type {
  CaseLimits,
  Env,
  HostedGroup,
  HostedTask,
  NameAnswer,
  SystemThread,
  Target,
} from '../contract/case.js';
import { PortPeer } from '../peers/port-peer.js';
import { withPatience } from './patience.js';

/** Send buffer of the peer, as a foreign peer's kernel has it (Linux: `tcp_wmem`): cases write that much. */
const PEER_BUFFER_BYTES = 4_194_304;
/** Steps after which a case is given up: in each of them everything was done that could be done. */
const IDLE_STEPS = 10_000;

const OTHER_PROCESS = 'it takes a second process, and the memory stack is in one';

/** @param around returns the stack that clients and servers use in the place of a memory stack. */
export function memoryTarget(name: string, around: (stack: MemoryStack) => TcpStack): Target {
  return {
    name,
    unmet: { 'D1.urgent': 'the port has no urgent data, and the peer is written on the port' },
    apart: {
      W: OTHER_PROCESS,
      'L9.process': OTHER_PROCESS,
      'L11.context': OTHER_PROCESS,
      'D3.exit': OTHER_PROCESS,
    },
    run: async (contractCase) => {
      const env = new MemoryEnvironment(contractCase.limits ?? {}, around);
      env.begin();
      try {
        await withPatience(contractCase.run(env));
      } finally {
        await env.end();
      }
    },
  };
}

export const memory = memoryTarget('memory × memory', (stack) => stack);

class MemoryEnvironment implements Env {
  readonly address = '127.0.0.1';
  readonly warnings: string[] = [];
  readonly clientStack: TcpStack;
  readonly serverStack: TcpStack;
  readonly clock: SteppedClock;
  readonly peer: PortPeer;

  readonly #clientMachine: MemoryStack;
  readonly #serverMachine: MemoryStack;
  #uncaught: unknown[] = [];
  readonly #clients: AsyncClient[] = [];
  readonly #servers: AsyncServer[] = [];
  readonly #names = new Map<string, NameAnswer>();
  #held: (() => void)[] = [];
  readonly #warn = console.warn;

  constructor(limits: CaseLimits, around: (stack: MemoryStack) => TcpStack) {
    const lookup: Lookup = (host, answer) => {
      this.#lookup(host, answer);
    };
    const network = memoryStack({ ...limits, lookup });
    this.#clientMachine = network;
    this.#serverMachine = memoryStack({ ...limits, lookup, network });
    this.clientStack = around(this.#clientMachine);
    this.serverStack = around(this.#serverMachine);
    this.clock = network.clock;
    this.peer = new PortPeer(memoryStack({ network, sendBufferBytes: PEER_BUFFER_BYTES }), this.address);
  }

  begin(): void {
    console.warn = (line: string) => {
      this.warnings.push(line);
    };
    process.setUncaughtExceptionCaptureCallback((error) => {
      this.#uncaught.push(error);
    });
  }

  async end(): Promise<void> {
    for (const client of this.#clients) client.abort();
    for (const server of this.#servers) await server.end();
    await this.settle();
    process.setUncaughtExceptionCaptureCallback(null);
    console.warn = this.#warn;
    for (const error of this.takeUncaught()) throw error;
  }

  takeUncaught(): unknown[] {
    const taken = this.#uncaught;
    this.#uncaught = [];
    return taken;
  }

  client(): AsyncClient {
    const client = new AsyncClient({ stack: this.clientStack });
    this.#clients.push(client);
    return client;
  }

  async serve(onClient: ClientHandler, options: Omit<ServerOptions, 'stack'> = {}): Promise<AsyncServer> {
    const server = new AsyncServer(0, { address: this.address, ...options, stack: this.serverStack });
    this.#servers.push(server);
    server.onClient((client) => {
      this.#clients.push(client);
      return onClient(client);
    });
    await server.begin();
    return server;
  }

  name(host: string, answer: NameAnswer): void {
    this.#names.set(host, answer);
  }

  releaseNames(): void {
    for (const release of this.#held.splice(0)) release();
  }

  #lookup(host: string, answer: Parameters<Lookup>[1]): void {
    const known = this.#names.get(host);
    if (known === undefined || known.kind === 'unknown') answer(new Error(`no address of ${host}`), []);
    else if (known.kind === 'held') this.#held.push(() => answer(null, known.addresses));
    else answer(null, known.addresses);
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    for (let step = 0; !condition(); step += 1) {
      if (step === IDLE_STEPS) throw new Error(`waited in vain until ${what}`);
      await this.settle();
    }
  }

  settle(): Promise<void> {
    return this.#clientMachine.settle();
  }

  holdings(): number {
    let sum = 0;
    for (const stack of [this.clientStack, this.serverStack]) {
      for (const count of Object.values(stack.holdings()) as number[]) sum += count;
    }
    return sum;
  }

  arrivedAtPeer(client: AsyncClient): number {
    return this.peer.unread(client.localPort());
  }

  /** The stack alone holds bytes in flight. */
  inFlight(client: AsyncClient): number {
    return client.unacknowledged();
  }

  starve(): Promise<() => Promise<void>> {
    const feeds = [this.#clientMachine.starve(), this.#serverMachine.starve()];
    return Promise.resolve(() => {
      for (const feed of feeds) feed();
      return Promise.resolve();
    });
  }

  runProgram(): Promise<string> {
    return Promise.reject(new Error(OTHER_PROCESS));
  }

  startGroup(): Promise<HostedGroup> {
    return Promise.reject(new Error(OTHER_PROCESS));
  }

  startTasks(): Promise<HostedTask[]> {
    return Promise.reject(new Error(OTHER_PROCESS));
  }

  systemThread(): Promise<SystemThread> {
    return Promise.reject(new Error(OTHER_PROCESS));
  }
}
