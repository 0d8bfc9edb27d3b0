/**
 * What a contract case is given and what it is. The cases import no test runner and no runtime: a target
 * brings the stacks, the foreign peer and the world around them, so that the same cases run on every stack
 * and every engine.
 */
import type {
  AsyncClient,
  AsyncServer,
  ClientHandler,
  ConfigureOptions,
  ServerOptions,
  SteppedClock,
  TaskThread,
  TcpStack,
  WatchdogBite,
} from 'asynctcp';


/**
 * Builds of the two stacks that a case asks for, where the usual numbers would make it slow or hide what it
 * shows.
 */
export interface CaseLimits {
  readonly maxActiveTcp?: number;
  readonly sendBufferBytes?: number;
  readonly receiveWindowBytes?: number;
  readonly sendBudgetBytes?: number;
}

export interface ContractCase {
  /** The clause, with a letter where one clause needs several cases: `L4.late-lookup`. Unique. */
  readonly id: string;
  readonly title: string;
  readonly limits?: CaseLimits;
  run(env: Env): Promise<void>;
}

/** Whether the case is one for this target. */
export function concerns({ apart = {} }: Target, { id }: ContractCase): boolean {
  return !Object.keys(apart).some((beginning) => id.startsWith(beginning));
}

/** Names of the clauses, in order, as the matrix shows them. */
export function clauseOf(id: string): string {
  return id.split('.')[0] ?? id;
}

/** A TCP of somebody else's making, to misbehave with. */
export interface Peer {
  listen(options?: {
    backlog?: number;
    receiveBuffer?: number;
    address?: string;
    port?: number;
  }): Promise<PeerListener>;
  connect(port: number, options?: { receiveBuffer?: number }): Promise<PeerSocket>;
  /** Connects so often and resets at once. */
  connectAndReset(port: number, times: number): Promise<void>;
}

export interface PeerListener {
  readonly address: string;
  readonly port: number;
  accept(): Promise<PeerSocket>;
  /** From now on the listener answers no SYN. Taking one connection off its queue ends that. */
  goSilent(): Promise<void>;
  close(): Promise<void>;
}

export interface PeerSocket {
  readonly port: number;
  send(text: string): Promise<void>;
  /** Resolves when all of it is in the peer's send buffer; `piece` bytes at a time. */
  sendPattern(seed: number, bytes: number, piece?: number): Promise<void>;
  /** Bytes of the running `sendPattern` that were sent so far. */
  sent(): Promise<number>;
  /** Exactly so many bytes; fewer only at the end of the stream. */
  receive(bytes: number): Promise<string>;
  /** One read. */
  receiveOnce(): Promise<string>;
  /** What has arrived at this moment; `undefined` when nothing has, '' at the end of the stream. */
  receiveNow(): Promise<string | undefined>;
  /** One byte of urgent data (RFC 9293 §3.8.5). */
  sendUrgent(text: string): Promise<void>;
  /** Segments with data that have arrived. */
  segments(): Promise<number>;
  /** Reads to the end and compares with a pattern. */
  drain(seed?: number, piece?: number): Promise<{ bytes: number; matches: boolean; end: 'fin' | 'reset' }>;
  /** FIN; goes on receiving. */
  shutdown(): Promise<void>;
  close(): Promise<void>;
  /** RST. */
  reset(): Promise<void>;
}

/** How a name is answered. */
export type NameAnswer =
  | { readonly kind: 'addresses'; readonly addresses: readonly string[] }
  | { readonly kind: 'unknown' }
  /** Nothing until `release` is called. */
  | { readonly kind: 'held'; readonly addresses: readonly string[] };

export interface Env {
  readonly clientStack: TcpStack;
  readonly serverStack: TcpStack;
  /** The time of both stacks. It stands unless a case moves it. */
  readonly clock: SteppedClock;
  readonly peer: Peer;
  /** The address that servers of this environment listen on. */
  readonly address: string;
  /** Lines that the library printed. */
  readonly warnings: readonly string[];
  /**
   * Errors that reached the runtime's uncaught-error path since the last call. What nobody takes fails the
   * case.
   */
  takeUncaught(): unknown[];
  client(): AsyncClient;
  /** A server that listens, taken down with the environment like every client. */
  serve(onClient: ClientHandler, options?: Omit<ServerOptions, 'stack'>): Promise<AsyncServer>;
  /** Tells the resolver of both stacks what a name means. */
  name(host: string, answer: NameAnswer): void;
  /** Answers the held look-ups. */
  releaseNames(): void;
  /**
   * Waits, however long it takes, until something is so; the environment gives up when nothing moves any
   * more.
   */
  until(what: string, condition: () => boolean): Promise<void>;
  /** Lets everything that is under way arrive: what did not happen by then does not happen. */
  settle(): Promise<void>;
  /** Sockets, timers and other things that the stacks hold at this moment. */
  holdings(): number;
  /**
   * Bytes that have arrived at the client's peer, and that the peer's program has not read: what the kernel
   * says at this moment.
   */
  arrivedAtPeer(client: AsyncClient): number;
  /** Bytes in this machine's kernel that the client's peer has not acknowledged, sent or not. */
  inFlight(client: AsyncClient): number;
  /** Takes every file descriptor that is left; returns how to give them back. */
  starve(): Promise<() => Promise<void>>;
  /**
   * Runs a program of its own, given as the body of a module that has the library's names; resolves when it
   * ended by itself.
   */
  runProgram(body: string): Promise<string>;
  /**
   * Starts async tasks in a process of their own, one for each configuration; each runs a server that
   * echoes and takes orders (`PatientOrder`).
   */
  startTasks(configs: readonly ConfigureOptions[]): Promise<HostedTask[]>;
  /** What the operating system says about a task's thread. */
  systemThread(task: HostedTask): Promise<SystemThread>;
}

/** What a task's server does when it gets it as a message: blocks, goes deep, tells its stack's mark. */
export type PatientOrder = `spin ${number}` | `wait ${number}` | `descend ${number}` | 'mark';

/** A task as whoever started it sees it. */
export interface HostedTask {
  readonly thread: TaskThread;
  /** Where its server listens; after a restart, the new one. */
  readonly port: number;
  readonly bites: readonly WatchdogBite[];
  readonly restarts: number;
  /** All that the tasks' process printed so far for its user. */
  printed(): string;
}

/** A thread in the operating system's words. */
export interface SystemThread {
  readonly name: string;
  readonly cores: string;
  readonly nice: number;
  /** Whether there is a stack of so many bytes. */
  hasStack(bytes: number): boolean;
}

/** A pair of stacks that the suite runs on. */
export interface Target {
  /** `client × server`. */
  readonly name: string;
  /** Cases that it cannot meet, each with its reason. One of them that passes fails the build. */
  readonly unmet: Readonly<Record<string, string>>;
  /** Clauses that it leaves out because they do not concern what it varies; each with the reason. */
  readonly apart?: Readonly<Record<string, string>>;
  /** Runs a case in an environment of its own, which is taken down again; rejects when it is not met. */
  run(contractCase: ContractCase): Promise<void>;
}
