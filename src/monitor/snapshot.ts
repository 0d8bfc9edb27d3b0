/**
 * The figures of a thread at one moment, as `Monitor.snapshot` returns them: plain data that JSON carries.
 * Times are milliseconds of the wall clock (`…AtMs`) or durations (`…Ms`); `null` stands for what the stack
 * does not know.
 */

/** A server that listens, or that has listened. */
export interface ListenerFigures {
  /** Number of the listener in this thread, from 1 on. */
  readonly id: number;
  readonly stack: string;
  readonly address: string;
  readonly port: number;
  /** True while peers can connect and are accepted. */
  readonly accepting: boolean;
  /**
   * Reason why it does not accept: `ended`, `full` (`maxClients` or the stack's limit), `no handler`
   * (`onClient` was not called), `no descriptors`.
   */
  readonly why: string | null;
  /** Time since which `accepting` has its value. */
  readonly sinceAtMs: number;
  readonly clients: number;
  /** `null`: no limit of the server's own. */
  readonly maxClients: number | null;
  readonly accepted: number;
  readonly refused: number;
}

/** Reason why bytes do not move in one direction of a connection. */
export type Blockage =
  /** The peer's window is closed: its program does not read. */
  | 'peer does not read'
  /** The peer acknowledges nothing: it is gone, or the network loses the segments. */
  | 'peer does not answer'
  /** One of the two: the stack does not know which (`node`). */
  | 'peer takes nothing'
  /** The own program withholds received data: paused, or `ack` does not come. */
  | 'program does not read';

export interface ConnectionFigures {
  /** Number of the connection in this thread, from 1 on. */
  readonly id: number;
  readonly direction: 'in' | 'out';
  /** `id` of the listener that accepted it. */
  readonly listener: number | null;
  readonly stack: string;
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** As `AsyncClient.stateToString()`. */
  readonly state: string;
  readonly openedAtMs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Bytes a second over the last second. */
  readonly inPerS: number;
  readonly outPerS: number;
  /** Bytes added and not acknowledged; on a stack `local`, by this machine. */
  readonly unacknowledged: number;
  /** Those of them that the system has not taken. */
  readonly queued: number;
  /** Bytes delivered to the program and not consumed; if it is paused, also those not delivered yet. */
  readonly withheld: number;
  /** True while `pause` is in force, or no data handler is set yet. */
  readonly paused: boolean;
  /** Age of the oldest unacknowledged byte, to a second; 0 with none. */
  readonly oldestUnacknowledgedMs: number;
  /** Milliseconds since the peer's last segment. */
  readonly heardAgoMs: number | null;
  /** Bytes that the peer's window admits. */
  readonly peerWindow: number | null;
  readonly roundTripMs: number | null;
  readonly retransmissions: number | null;
  readonly blocked: Blockage | null;
  /** Time since which it is blocked. */
  readonly blockedAtMs: number | null;
}

/** Errors of one cause. */
export interface ErrorFigures {
  /** lwIP's name, such as `ERR_RST`; `rxTimeout`; or `exception` for a callback that threw. */
  readonly cause: string;
  readonly count: number;
  readonly lastAtMs: number;
  /** The last instance in a sentence: peer, and the system's words. */
  readonly last: string;
}

export interface TaskFigures {
  readonly core: number;
  readonly priority: number;
  /** In 32-bit words; `null` where the platform does not tell. */
  readonly stackWords: number | null;
  /** Words of the stack that were never used. */
  readonly stackHighWaterMark: number | null;
  /** The longest callbacks, by the name of the handler; only with `CONFIG_ASYNC_TCP_DIAGNOSTICS`. */
  readonly callbacks: readonly {
    readonly name: string;
    readonly count: number;
    readonly longestMs: number;
    readonly slow: number;
  }[];
  readonly bites: readonly {
    readonly atMs: number;
    readonly text: string;
    readonly backtrace: readonly string[];
  }[];
}

/** A link that stays up (`LinkKeeper`). */
export interface LinkFigures {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly state: 'connecting' | 'up' | 'waiting' | 'ended';
  readonly sinceAtMs: number;
  readonly retryInMs: number | null;
  readonly attempts: number;
  readonly ups: number;
  readonly losses: number;
  readonly lastFailure: { readonly reason: string; readonly text: string; readonly atMs: number } | null;
}

/** One second of the history. */
export interface Second {
  /** Wall clock at its end, in milliseconds. */
  readonly atMs: number;
  readonly connections: number;
  /** Connections that were accepted or made, since the entry before; so are all counts that follow. */
  readonly accepts: number;
  readonly closes: number;
  readonly refused: number;
  readonly errors: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Connections that are blocked. */
  readonly blocked: number;
  /** Median over the connections whose stack knows it. */
  readonly roundTripMs: number | null;
  readonly retransmissions: number;
}

/** An entry of the event log. */
export interface MonitorEvent {
  /** Number, from 1 on, without gaps. */
  readonly id: number;
  readonly atMs: number;
  readonly kind:
    'listen' | 'stop' | 'refuse' | 'error' | 'block' | 'unblock' | 'link' | 'bite' | 'act' | 'warning';
  readonly level: 'info' | 'warn' | 'error';
  readonly text: string;
  /** `id` of the connection it concerns. */
  readonly connection: number | null;
}

/** Counts since the monitor began; connections that it found count as accepted or connected. */
export interface Totals {
  /** accepted + connected − closed. */
  readonly connections: number;
  readonly mostConnections: number;
  /** Limit of connections at once; `null`: the system's. */
  readonly limit: number | null;
  readonly accepted: number;
  readonly connected: number;
  readonly closed: number;
  readonly refused: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly errors: number;
  readonly unacknowledged: number;
  readonly sendBudget: number;
}

export interface Snapshot {
  readonly atMs: number;
  /** Time at which the monitor began. */
  readonly sinceAtMs: number;
  readonly listeners: readonly ListenerFigures[];
  readonly totals: Totals;
  readonly errors: readonly ErrorFigures[];
  readonly links: readonly LinkFigures[];
  readonly connections: readonly ConnectionFigures[];
  readonly task: TaskFigures;
}
