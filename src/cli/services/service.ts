/** The form of a simple service. */
import type { AsyncClient } from '../../index.js';

/** Bytes that the services receive and send, over all connections. */
export interface Traffic {
  bytesIn: number;
  bytesOut: number;
}

/** One service: its name, its port, and its behaviour on a connection. */
export interface Service {
  readonly name: string;
  /** The port that IANA has assigned; the command adds it to the port base. */
  readonly wellKnownPort: number;
  readonly rfc: number;
  /** Text for the help: what the service does. */
  readonly meaning: string;
  /** Returns a shell command that shows the service at work. */
  readonly example: (host: string, port: number) => string;
  /**
   * Serves a connection that was just accepted. The caller owns the handler `onDisconnect`, the service all
   * others.
   */
  readonly serve: (client: AsyncClient, traffic: Traffic) => void;
}

/** Flags for `add` and `write`: the bytes never change, so the stack sends them without a copy. */
export const WITHOUT_COPY = 0;
