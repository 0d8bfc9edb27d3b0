/**
 * What a stack on `node:net` can be made with. Apart from the stack, so that its types need no types of
 * Node's.
 */
import type { Clock } from '../../support/clock.js';

/** Looks a name's addresses up and answers once, later, with an error or with at least one address. */
export type Lookup = (
  host: string,
  answer: (error: Error | null, addresses: readonly string[]) => void,
) => void;

export interface NodeStackOptions {
  /** Bytes that one connection takes from `add` before the kernel took any. Default 131072. */
  sendBufferBytes?: number | undefined;
  /** Bytes that one connection delivers before any is acknowledged with `ack`. Default 131072. */
  receiveWindowBytes?: number | undefined;
  /** Connections at once. Default: the system's own limit. */
  maxActiveTcp?: number | undefined;
  /** The time that timeouts and polls go by. Default: the machine's. */
  clock?: Clock | undefined;
  /** Names to addresses. Default: the system's resolver (`getaddrinfo`). */
  lookup?: Lookup | undefined;
}
