/** What the simple services have in common. */
import type { AsyncClient } from '../../index.js';

/** Counts what a service receives and sends, over all its connections. */
export interface Traffic {
  bytesIn: number;
  bytesOut: number;
}

/** One service: a name, a place among the ports, and what it does with a connection. */
export interface Service {
  readonly name: string;
  /** The port that IANA gave it; here it is added to the port base. */
  readonly wellKnownPort: number;
  readonly rfc: number;
  /** For the help: what it does. */
  readonly meaning: string;
  /** A shell command that shows it at work. */
  readonly example: (host: string, port: number) => string;
  /**
   * Takes a connection that was just accepted. `onDisconnect` is the caller's; all other handlers are the
   * service's.
   */
  readonly serve: (client: AsyncClient, traffic: Traffic) => void;
}

/** For `add` and `write`: the bytes do not change any more, and the stack sends them from where they are. */
export const WITHOUT_COPY = 0;
