/**
 * The client as its session sees it: handlers, settings, and the report that the session is over. The client
 * keeps them for as long as it exists; all state of one connection is in the session, so that none of it can
 * leak into the next (contract L8).
 */
import type { Endpoint } from '../port/tcp-stack.js';
import type { Admission } from './admission.js';
import type {
  AckHandler,
  ConnectHandler,
  DataHandler,
  DisconnectHandler,
  EndHandler,
  ErrorHandler,
  PacketHandler,
  PollHandler,
  TimeoutHandler,
} from './handlers.js';

/** The two ends of a connection. */
export interface Ends {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** Set if a preamble came before the client. */
  readonly passedOn?: PassedOn;
}

/** A connection whose preamble was read. */
export interface PassedOn {
  /** The connection's own ends. */
  readonly own: Ends;
  /** `details` of the complete preamble. */
  readonly details: unknown;
}

export interface SessionOwner<Client> {
  /** First argument of every handler. */
  readonly client: Client;
  readonly admission: Admission;

  readonly onConnect: ConnectHandler<Client> | undefined;
  readonly onDisconnect: DisconnectHandler<Client> | undefined;
  readonly onError: ErrorHandler<Client> | undefined;
  readonly onData: DataHandler<Client> | undefined;
  readonly onPacket: PacketHandler<Client> | undefined;
  readonly onAck: AckHandler<Client> | undefined;
  readonly onTimeout: TimeoutHandler<Client> | undefined;
  readonly onPoll: PollHandler<Client> | undefined;
  readonly onEnd: EndHandler<Client> | undefined;
  /** True if `onData` was set with the option `view`. */
  readonly takesViews: boolean;

  /** 0: off. */
  readonly rxTimeoutS: number;
  /** 0: off. */
  readonly ackTimeoutMs: number;
  readonly noDelay: boolean;
  /** `undefined`: never set, the stack's own. */
  readonly keepAliveMs: number | undefined;
  readonly keepAliveProbes: number;
  readonly allowHalfOpen: boolean;
  readonly keepsAlive: boolean;
  /** True: a process that exits leaves the connection to the system, which sends FIN. */
  readonly leavesAtExit: boolean;
  /** Ends of the last connection; the unspecified address before the first one. */
  readonly lastEnds: Ends;

  /** Returns true if the session that begins now starts paused, and forgets that. */
  takeStartsPaused(): boolean;
  /** Notes that the session is over: the client may connect again. */
  sessionIsOver(ends: Ends | undefined): void;
}
