/**
 * The raw API: TCP as a program of this host sees it, without promises and without callbacks in the
 * middle of a segment. `stacks/virtual`, the interpreter of conformance scripts and tests stand on it.
 *
 * Events are noted, not called: a connection or listener with events waits in `Tcp`'s queue of ready
 * ones, and the host's driver takes them from there after each packet and each timer, then has
 * `Tcp.flush` send what is due:
 *
 *     stack.receive(…) or stack.advance(…)
 *     while ((ready = stack.tcp.takeReady()) !== undefined)  … take its events, call the program
 *     stack.flush()
 *
 * Every method may be called at any time, also while events wait; after the end, methods are harmless.
 *
 * Numbers are the caller's to check. Ports are whole numbers from 0 to 65535; bytes and counts are whole and
 * not negative; times are finite and not negative; buffers and windows have 1 byte to 1 GiB. A number that
 * is none of these, or more bytes than a call admits, is a mistake of the caller's code: the call fails as a
 * broken invariant, before it has changed anything.
 */
import type { TcpState } from './tcp/state.js';
import type { Address } from './wire/address.js';

/** Reasons for which a connection, or an attempt, ends without both FINs. */
export type TcpFailure =
  /** The peer sent a reset. */
  | 'reset'
  /** A SYN was answered by a reset: nothing listens there. */
  | 'refused'
  /** Retransmissions, probes or keep-alive probes stayed without an answer. */
  | 'timedOut'
  /** No interface leads to the address, or ICMP says that nothing does. */
  | 'unreachable'
  /** This host's tables or memory are full. */
  | 'noMemory'
  /** This side closed with a reset, or was closed to make room for another connection. */
  | 'aborted';

/** Reasons for which `connect` or `listen` returns no connection or listener. */
export type TcpRefusal = 'inUse' | 'noPort' | 'noMemory' | 'unreachable' | 'notLocal';

/** Bits of `TcpSocket.takeEvents`. */
export const TcpEvent = {
  /** The handshake of an active open is complete. */
  CONNECTED: 1,
  /** Bytes can be read. */
  READABLE: 2,
  /** `acknowledged` has risen. */
  ACKED: 4,
  /** The peer's FIN came, and no byte is missing before it. */
  END: 8,
  /** The connection is over, see `failure`; it needs nothing more from its program. */
  CLOSED: 16,
  /** All that was flushed was sent at least once. */
  DRAINED: 32,
  /** This side's FIN is acknowledged. */
  FIN_ACKED: 64,
} as const;

export interface TcpSocket {
  readonly localAddress: Address;
  readonly localPort: number;
  readonly remoteAddress: Address;
  readonly remotePort: number;
  /** TIME_WAIT stays: what follows is the host's alone, and the object can go. */
  readonly state: TcpState;
  /** Reason of the end; `undefined` before it, and if both FINs were exchanged. */
  readonly failure: TcpFailure | undefined;
  /** An object of its program. */
  owner: unknown;

  /** Returns the events since the last call, bits of `TcpEvent`, and forgets them. */
  takeEvents(): number;

  /** Bytes of data in a full segment, as this side sends them. */
  readonly sendMss: number;
  /** Bytes that `write` takes before any is acknowledged. */
  readonly sendBufferBytes: number;
  /** Returns the bytes that `write` would take. */
  sendSpace(): number;
  /** Returns the bytes that were written and are not acknowledged. */
  unacknowledged(): number;
  /** Returns the bytes that were written and never sent. */
  unsent(): number;
  /** Returns the bytes acknowledged since the last call. */
  takeAcked(): number;
  /** Copies as many bytes as there is space for, and returns how many. Sends nothing. */
  write(bytes: Uint8Array): number;
  /** Sends what windows and Nagle's algorithm admit. */
  push(): void;

  /** Bytes that may arrive before any is consumed. */
  readonly receiveWindowBytes: number;
  /** Returns the bytes that have arrived in order and were not read. */
  readable(): number;
  /**
   * Returns the first bytes that have arrived, at most `most`, as a view that is valid until the next
   * call of any method or packet; fewer than `readable()` where the buffer wraps. Empty if there are
   * none.
   */
  peek(most?: number): Uint8Array;
  /**
   * Removes `bytes` bytes, at most what `peek` has shown, from the buffer; nothing if the buffer is gone
   * with its connection. The window stays as it is.
   */
  skip(bytes: number): void;
  /** Opens the window by `bytes` bytes that `skip` has removed and that were not consumed before. */
  consume(bytes: number): void;
  /** Returns true if the peer's FIN came and every byte before it was skipped. */
  hasEnded(): boolean;

  /** Sends FIN after what was written. Receiving continues. */
  shutdown(): void;
  /**
   * As `shutdown`; data that waits or still arrives is answered with a reset if the profile does so (RFC 1122
   * §4.2.2.13), else dropped. `CLOSED` comes when TCP needs the program no more.
   * @param discards true: data that waits or arrives is dropped in any case, and acknowledged.
   */
  close(discards?: boolean): void;
  /** Sends a reset, and frees the connection; no event follows. */
  abort(): void;

  /** True: Nagle's algorithm is off. */
  setNoDelay(on: boolean): void;
  /** True: segments that are not full wait (TCP_CORK), at most 200 ms. */
  setCork(on: boolean): void;
  /** Sets the probes on an idle connection; `idleMs` 0 switches them off, whatever the others are. */
  setKeepAlive(idleMs: number, intervalMs: number, probes: number): void;
  /**
   * Sets the time without an acknowledgement after which the connection fails (RFC 5482); 0: the
   * profile's.
   */
  setUserTimeout(ms: number): void;

  /** Returns the milliseconds since a segment of the peer arrived; 0 once the connection is over. */
  heardAgoMs(): number;
  /**
   * Returns figures of the path, for diagnostics. Once the connection is over, its round trips are
   * `undefined`, and `rtoMs` is 0.
   */
  info(): TcpInfo;
}

/** Figures of a connection, in the words of RFC 9293, 6298, 5681 and 6675. */
export interface TcpInfo {
  readonly state: TcpState;
  readonly smoothedRttMs: number | undefined;
  readonly rttVariationMs: number | undefined;
  readonly rtoMs: number;
  readonly congestionWindowBytes: number;
  readonly slowStartThresholdBytes: number;
  readonly bytesInFlight: number;
  readonly segmentsInFlight: number;
  readonly sackedSegments: number;
  readonly lostSegments: number;
  readonly retransmittedSegments: number;
  readonly totalRetransmissions: number;
  readonly unansweredRetransmissions: number;
  readonly peerWindowBytes: number;
  readonly advertisedWindowBytes: number;
  readonly hasTimestamps: boolean;
  readonly hasSack: boolean;
  readonly sendScale: number | undefined;
  readonly receiveScale: number | undefined;
  readonly recovery: 'open' | 'disorder' | 'recovery' | 'loss';
}

export interface TcpListenerSocket {
  readonly localAddress: Address | undefined;
  readonly localPort: number;
  owner: unknown;
  /** Returns the oldest connection that is established and was not taken. */
  accept(): TcpSocket | undefined;
  /** Stops listening, and resets the connections that were not taken. The port is free. */
  close(): void;
}

export interface TcpConnectTarget {
  readonly address: Address;
  readonly port: number;
  readonly localAddress?: Address | undefined;
  /** 0 or `undefined`: a free one. */
  readonly localPort?: number | undefined;
  readonly sharesPort?: boolean | undefined;
  readonly sendBufferBytes?: number | undefined;
  readonly receiveWindowBytes?: number | undefined;
}

export interface TcpListenTarget {
  /** `undefined`: all addresses of both families. `0.0.0.0` or `::`: all of one family. */
  readonly address: Address | undefined;
  readonly port: number;
  readonly backlog?: number | undefined;
  readonly sharesPort?: boolean | undefined;
  readonly sendBufferBytes?: number | undefined;
  readonly receiveWindowBytes?: number | undefined;
}

/** TCP of one host. `NetStack.tcp`. */
export interface TcpApi {
  /** Begins an active open: the SYN is sent with the next `flush`. */
  connect(target: TcpConnectTarget): TcpSocket | TcpRefusal;
  listen(target: TcpListenTarget): TcpListenerSocket | TcpRefusal;
  /** Returns a connection or listener with events, each once, the earliest first. */
  takeReady(): TcpSocket | TcpListenerSocket | undefined;
  /** True if `takeReady` would return one. */
  readonly hasReady: boolean;
  /** Sends the acknowledgements and data that became due. */
  flush(): void;
  /** Number of connections in all states but TIME_WAIT, of those in TIME_WAIT, and of listeners. */
  readonly connections: number;
  readonly inTimeWait: number;
  readonly listeners: number;
}
