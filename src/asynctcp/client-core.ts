/**
 * What a client keeps for as long as it exists: its handlers, its settings, its present life and the last
 * peer's addresses. All that belongs to one connection lives in the `Session`, so that nothing of it can
 * leak into the next (contract L8).
 */
import type { ErrorCode } from '../port/error-code.js';
import type { AsyncClient } from './async-client.js';
import type { Host } from './host.js';
import type { Packet } from './packet.js';
import type { Session } from './session.js';

/** The connection stands. */
export type ConnectHandler = (client: AsyncClient) => void;
/** The connection is over. */
export type DisconnectHandler = (client: AsyncClient) => void;
/** `cause` is the system's own error where there is one. */
export type ErrorHandler = (client: AsyncClient, error: ErrorCode, cause?: Error) => void;
/** `data` is yours to keep. */
export type DataHandler = (client: AsyncClient, data: Uint8Array) => void;
/** `packet` goes back with `ackPacket`. */
export type PacketHandler = (client: AsyncClient, packet: Packet) => void;
/** `timeMs`: milliseconds since the oldest send that `bytes` belong to. */
export type AckHandler = (client: AsyncClient, bytes: number, timeMs: number) => void;
/** `timeMs`: milliseconds for which nothing was acknowledged. */
export type TimeoutHandler = (client: AsyncClient, timeMs: number) => void;
/** 500 ms have passed. */
export type PollHandler = (client: AsyncClient) => void;
/** The peer has ended its side. */
export type EndHandler = (client: AsyncClient) => void;

/** The two ends of the last connection; before the first one, the unspecified address. */
export interface Ends {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

const NO_ENDS: Ends = { localAddress: '0.0.0.0', localPort: 0, remoteAddress: '0.0.0.0', remotePort: 0 };

export class ClientCore {
  // First what every message touches.

  /** From `connect` or `accept` up to `onDisconnect`. */
  session: Session | undefined;
  readonly client: AsyncClient;
  onData: DataHandler | undefined;
  onPacket: PacketHandler | undefined;
  onAck: AckHandler | undefined;
  onTimeout: TimeoutHandler | undefined;
  rxTimeoutS = 0;
  ackTimeoutMs: number;

  readonly host: Host;
  ends = NO_ENDS;
  onConnect: ConnectHandler | undefined;
  onDisconnect: DisconnectHandler | undefined;
  onError: ErrorHandler | undefined;
  onPoll: PollHandler | undefined;
  onEnd: EndHandler | undefined;

  noDelay = false;
  /** `undefined`: never set, the stack's own. */
  keepAliveMs: number | undefined;
  keepAliveProbes = 0;
  allowHalfOpen = false;
  keepsAlive = true;

  constructor(client: AsyncClient, host: Host, ackTimeoutMs: number) {
    this.client = client;
    this.host = host;
    this.ackTimeoutMs = ackTimeoutMs;
  }
}
