/**
 * Environments of the contract suite in which client, server and peer are machines of this process. Nothing
 * in them waits for the machine's time.
 */
import {
  AsyncClient,
  AsyncServer,
  type ClientHandler,
  type Lookup,
  type ServerOptions,
  type TcpStack,
} from 'asynctcp';
import type {
  CaseClock,
  CaseLimits,
  ContractCase,
  Env,
  HostedGroup,
  HostedTask,
  NameAnswer,
  SystemThread,
} from '../contract/case.js';
import type { PortPeer } from '../peers/port-peer.js';
import { withPatience } from './patience.js';

/** Send buffer of the peer, as a foreign peer's kernel has it (Linux: `tcp_wmem`): cases write that much. */
export const PEER_BUFFER_BYTES = 4_194_304;
/** Steps after which a case is given up: in each of them everything was done that could be done. */
const IDLE_STEPS = 10_000;

const OTHER_PROCESS = 'it takes a second process, and this stack is in one';

/** Clauses that these targets leave out. */
export const IN_ONE_PROCESS: Readonly<Record<string, string>> = {
  W: OTHER_PROCESS,
  'L9.process': OTHER_PROCESS,
  'L11.context': OTHER_PROCESS,
  'D3.exit': OTHER_PROCESS,
};

/** The reason for which `D1.urgent` is unmet. */
export const NO_URGENT_DATA = 'the port has no urgent data, and the peer is written on the port';

/** Client, server and peer on their network. */
export interface Machines {
  readonly address: string;
  readonly clientAddress: string;
  readonly otherClientAddress: string;
  readonly peerAddresses: Env['peerAddresses'];
  readonly clientStack: TcpStack;
  readonly serverStack: TcpStack;
  readonly clock: CaseClock;
  readonly peer: PortPeer;
  settle(): Promise<void>;
  /** Lets what is on the way arrive, without a turn of any program. */
  arrive(): void;
  /** Leaves clients and servers without memory for connections, up to a call of what it returns. */
  starve(): () => void;
}

export type MakeMachines = (limits: CaseLimits, lookup: Lookup) => Machines;

export async function runInProcess(contractCase: ContractCase, make: MakeMachines): Promise<void> {
  const env = new InProcessEnvironment(contractCase.limits ?? {}, make);
  env.begin();
  try {
    await withPatience(contractCase.run(env));
  } finally {
    await env.end();
  }
}

class InProcessEnvironment implements Env {
  readonly warnings: string[] = [];
  readonly #machines: Machines;
  #uncaught: unknown[] = [];
  readonly #clients: AsyncClient[] = [];
  readonly #servers: AsyncServer[] = [];
  readonly #names = new Map<string, NameAnswer>();
  #held: (() => void)[] = [];
  readonly #warn = console.warn;

  constructor(limits: CaseLimits, make: MakeMachines) {
    this.#machines = make(limits, (host, answer) => {
      this.#lookup(host, answer);
    });
  }

  get address(): string {
    return this.#machines.address;
  }

  get clientAddress(): string {
    return this.#machines.clientAddress;
  }

  get otherClientAddress(): string {
    return this.#machines.otherClientAddress;
  }

  get peerAddresses(): Env['peerAddresses'] {
    return this.#machines.peerAddresses;
  }

  get clientStack(): TcpStack {
    return this.#machines.clientStack;
  }

  get serverStack(): TcpStack {
    return this.#machines.serverStack;
  }

  get clock(): CaseClock {
    return this.#machines.clock;
  }

  get peer(): PortPeer {
    return this.#machines.peer;
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
    return this.#machines.settle();
  }

  holdings(): number {
    let sum = 0;
    for (const stack of [this.clientStack, this.serverStack]) {
      for (const count of Object.values(stack.holdings()) as number[]) sum += count;
    }
    return sum;
  }

  arrivedAtPeer(client: AsyncClient): number {
    this.#machines.arrive();
    return this.peer.unread(client.localPort());
  }

  /** The stack alone holds bytes in flight. */
  inFlight(client: AsyncClient): number {
    return client.unacknowledged();
  }

  starve(): Promise<() => Promise<void>> {
    const feed = this.#machines.starve();
    return Promise.resolve(() => {
      feed();
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
