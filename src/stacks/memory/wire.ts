/** What is at both ends of the wire, and all that one of them can do to the other. */
import type { Endpoint, Fault } from '../../port/tcp-stack.js';

/** An end of a connection, or an attempt to connect: what a fault on demand can concern. */
export interface Line {
  readonly local: Endpoint;
  readonly remote: Endpoint;
  /** The way is free again: the other end's window has opened, or a link is healed. */
  carry(): void;
  /** A reset arrives. Events follow later. */
  reset(fault: Fault): void;
}

/** One end of a connection, as the other one sees it. */
export interface End extends Line {
  /** True if nothing is known of the connection any more: what arrives is answered with a reset. */
  isOver(): boolean;
  /** Bytes that the window has room for. */
  room(): number;
  /** Bytes arrive, no more than there is room for. They are acknowledged with that. */
  arrive(bytes: Uint8Array): void;
  /** The other end's FIN arrives, behind all its bytes. */
  arriveFin(): void;
  /** The other end is this one. */
  join(other: End): void;
}

/** What connections arrive at: a listener. */
export interface Door {
  readonly local: Endpoint;
  /** Makes the other end of a connection that stands, and shows it to the program later. */
  enter(near: End): void;
}
