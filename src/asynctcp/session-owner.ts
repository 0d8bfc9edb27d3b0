/**
 * What a session needs of the client whose life it is: the handlers' slots, the settings, and to say that it
 * is over. The client keeps them for as long as it exists; all that belongs to one connection lives in the
 * session, so that nothing of it can leak into the next (contract L8).
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
}

export interface SessionOwner<Client> {
  /** Given to every handler. */
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
  /** `onData` was set with the option `view`. */
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
  /** Ends of the last connection; the unspecified address before the first one. */
  readonly lastEnds: Ends;

  /** True if the session that begins now is paused; asked once. */
  takeStartsPaused(): boolean;
  /** The session is over: the client may be used again. */
  sessionIsOver(ends: Ends | undefined): void;
}
