/** The two ends of a connection, and everything that one of them can do to the other. */
import type { Endpoint, Fault } from '../../port/tcp-stack.js';

/** An end of a connection, or an attempt to connect. Faults on demand concern flows. */
export interface Flow {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** Sends what waits: the other end's window has opened, or a link is healed. */
  transmit(): void;
  /** Receives a reset. Events follow later. */
  reset(fault: Fault): void;
}

/** One end of a connection, as the other one sees it. */
export interface End extends Flow {
  /** True if this end knows nothing of the connection any more, and answers everything with a reset. */
  isClosed(): boolean;
  /** Bytes by which the window is open. */
  window(): number;
  /** Receives bytes, at most the window, and acknowledges them. */
  receive(bytes: Uint8Array): void;
  /** Receives the other end's FIN, which follows all its bytes. */
  receiveFin(): void;
  /** Learns which end is the other one. */
  join(other: End): void;
}

/** A listener, as an attempt to connect sees it. */
export interface Acceptor {
  readonly local: Endpoint;
  /** Makes the other end of a connection, and shows it to the program later. */
  accept(near: End): void;
}
