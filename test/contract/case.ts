/**
 * The interface between contract cases and targets. The cases import no test runner and no runtime: a target
 * provides the stacks, the foreign peer and everything around them, so that the same cases run on every stack
 * and every engine.
 */
import type {
  AsyncClient,
  AsyncServer,
  ClientHandler,
  ConfigureOptions,
  ServerOptions,
  TaskThread,
  TcpStack,
  WatchdogBite,
} from 'asynctcp';

/**
 * Limits of the two stacks that a case asks for if the default ones would make it slow or hide what it shows.
 */
export interface CaseLimits {
  readonly maxActiveTcp?: number;
  readonly sendBufferBytes?: number;
  readonly receiveWindowBytes?: number;
  readonly sendBudgetBytes?: number;
}

export interface ContractCase {
  /** The clause and a name: `L4.late-lookup`. Unique. */
  readonly id: string;
  readonly title: string;
  readonly limits?: CaseLimits;
  run(env: Env): Promise<void>;
}

/** Returns true if the target does not leave the case out. */
export function concerns({ apart = {}, hasNetworks = false }: Target, { id }: ContractCase): boolean {
  if (id.startsWith('V') && !hasNetworks) return false;
  return !Object.keys(apart).some((beginning) => id.startsWith(beginning));
}

/** Returns the clause of a case, as the matrix shows it. */
export function clauseOf(id: string): string {
  return id.split('.')[0] ?? id;
}

/** A foreign TCP program that a case controls, also to misbehave. */
export interface Peer {
  listen(options?: {
    backlog?: number;
    receiveBuffer?: number;
    address?: string;
    port?: number;
  }): Promise<PeerListener>;
  /** Connects to a server, or to `address`. */
  connect(port: number, options?: { receiveBuffer?: number; address?: string }): Promise<PeerSocket>;
  /** Connects `times` times, and resets each connection at once. */
  connectAndReset(port: number, times: number): Promise<void>;
}

export interface PeerListener {
  readonly address: string;
  readonly port: number;
  accept(): Promise<PeerSocket>;
  /** Fills the accept queue, so that the listener answers no SYN until a connection is accepted. */
  goSilent(): Promise<void>;
  close(): Promise<void>;
}

export interface PeerSocket {
  readonly port: number;
  send(text: string): Promise<void>;
  /** Sends in pieces of `piece` bytes. Resolves when all bytes are in the peer's send buffer. */
  sendPattern(seed: number, bytes: number, piece?: number): Promise<void>;
  /** Resolves to the bytes of the running `sendPattern` that were sent so far. */
  sent(): Promise<number>;
  /** Resolves to exactly `bytes` bytes, to fewer only at the end of the stream. */
  receive(bytes: number): Promise<string>;
  /** Resolves to the bytes of a single read. */
  receiveOnce(): Promise<string>;
  /**
   * Resolves to the bytes that have arrived already; `undefined` if there are none, '' at the end of the
   * stream.
   */
  receiveNow(): Promise<string | undefined>;
  /** Sends urgent data, one byte (RFC 9293 §3.8.5). */
  sendUrgent(text: string): Promise<void>;
  /** Resolves to the number of segments with data that have arrived. */
  segments(): Promise<number>;
  /** Reads to the end and compares with a pattern. */
  drain(seed?: number, piece?: number): Promise<{ bytes: number; matches: boolean; end: 'fin' | 'reset' }>;
  /** Sends FIN. Receiving continues. */
  shutdown(): Promise<void>;
  close(): Promise<void>;
  /** Sends RST. */
  reset(): Promise<void>;
}

/** The resolver's answer for a name. */
export type NameAnswer =
  | { readonly kind: 'addresses'; readonly addresses: readonly string[] }
  | { readonly kind: 'unknown' }
  /** Answered when `releaseNames` is called. */
  | { readonly kind: 'held'; readonly addresses: readonly string[] };

/** A clock that a case moves, as a `SteppedClock`. */
export interface CaseClock {
  nowMs(): number;
  /** Moves the time on by `ms` milliseconds; what is due in that time has happened when this returns. */
  advance(ms: number): void;
  /** Moves the time on as if the process had been held up. */
  stall(ms: number): void;
}

export interface Env {
  readonly clientStack: TcpStack;
  readonly serverStack: TcpStack;
  /** The time of both stacks. It only moves when the case moves it. */
  readonly clock: CaseClock;
  readonly peer: Peer;
  /** The address that servers of this environment listen on. */
  readonly address: string;
  /** The address of this environment's clients. */
  readonly clientAddress: string;
  /** A second address of the clients' machine, from which they can connect. */
  readonly otherClientAddress: string;
  /**
   * The addresses of the peer. It connects from the first, and listens on that unless the case says another.
   */
  readonly peerAddresses: readonly [string, string, string];
  /** Lines that the library printed. */
  readonly warnings: readonly string[];
  /**
   * Returns the errors that reached the runtime's uncaught-error path since the last call. Errors that the
   * case does not take make it fail.
   */
  takeUncaught(): unknown[];
  client(): AsyncClient;
  /** Resolves to a server that listens. It ends with the environment, as every client does. */
  serve(onClient: ClientHandler, options?: Omit<ServerOptions, 'stack'>): Promise<AsyncServer>;
  /** Sets the answer of both stacks' resolver for a name. */
  name(host: string, answer: NameAnswer): void;
  /** Answers the held lookups. */
  releaseNames(): void;
  /**
   * Waits until the condition holds. Rejects if it does not within a time that is much longer than any case
   * needs.
   * @param what completes the sentence 'waited in vain until …'.
   */
  until(what: string, condition: () => boolean): Promise<void>;
  /** Waits until everything on the way has arrived: events that have not come by then do not come. */
  settle(): Promise<void>;
  /** Counts the sockets, timers and other resources that the stacks hold. */
  holdings(): number;
  /**
   * Returns the bytes that have arrived at the client's peer and that the peer's program has not read, from
   * the kernel.
   */
  arrivedAtPeer(client: AsyncClient): number;
  /**
   * Returns the bytes in the kernel's send queue that the client's peer has not acknowledged, sent or not.
   */
  inFlight(client: AsyncClient): number;
  /** Uses up all file descriptors. Resolves to a function that frees them. */
  starve(): Promise<() => Promise<void>>;
  /**
   * Runs a program in a process of its own. `body` is the body of a module that has imported the library's
   * names. Resolves to its output when it has ended by itself.
   */
  runProgram(body: string): Promise<string>;
  /**
   * Starts async tasks in a process of their own, one for each configuration. Each runs a server that echoes
   * and executes orders (`PatientOrder`).
   */
  startTasks(configs: readonly ConfigureOptions[]): Promise<HostedTask[]>;
  /**
   * Starts a group of tasks in a process of its own: they share the port of a server that echoes and executes
   * orders. `drainMs` as for `startTasks` of the library.
   */
  startGroup(count: number, config: ConfigureOptions, drainMs?: number): Promise<HostedGroup>;
  /** Resolves to the properties of a task's thread in the operating system. */
  systemThread(task: HostedTask): Promise<SystemThread>;
}

/**
 * An order to a task's server: block, recurse, answer the high-water mark of its stack or the number of its
 * task, or end the task by an error.
 */
export type PatientOrder =
  `spin ${number}` | `wait ${number}` | `descend ${number}` | 'mark' | 'number' | 'throw';

/** A task, seen from the process that started it. */
export interface HostedTask {
  readonly thread: TaskThread;
  /** Port of its server; after a restart, of the new one. */
  readonly port: number;
  /** True from its first order to spin on. */
  readonly isSpinning: boolean;
  readonly bites: readonly WatchdogBite[];
  readonly restarts: number;
  /** Returns the output of the tasks' process for its user so far. */
  printed(): string;
}

/** A group of tasks, seen from the process that started it. */
export interface HostedGroup {
  readonly tasks: readonly HostedTask[];
  /** Replaces the tasks. Resolves when all were replaced. */
  reload(): Promise<void>;
  /** Gives the tasks SIGTERM. Resolves to their status when they have ended. */
  stop(): Promise<number>;
}

/** A thread as the operating system describes it. */
export interface SystemThread {
  readonly name: string;
  readonly cores: string;
  readonly nice: number;
  /** Returns true if the process has a stack of `bytes` bytes. */
  hasStack(bytes: number): boolean;
}

/** A pair of stacks that the suite runs on. */
export interface Target {
  /** `client × server`. */
  readonly name: string;
  /** Cases that it cannot meet, with the reason. If one of them passes, the build fails. */
  readonly unmet: Readonly<Record<string, string>>;
  /** Clauses that it leaves out because they do not depend on what it varies, with the reason. */
  readonly apart?: Readonly<Record<string, string>>;
  /** True for the one target on which the clauses about simulated networks (V) are played. */
  readonly hasNetworks?: boolean;
  /** Runs a case in an environment of its own. Rejects if the case is not met. */
  run(contractCase: ContractCase): Promise<void>;
}
