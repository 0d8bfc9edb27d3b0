/** Settings in numbers of a client. Few clients change one: the others share an object. */
import { configuration } from './configuration.js';

export interface ClientSettings {
  /** 0: off. */
  readonly rxTimeoutS: number;
  /** 0: off. */
  readonly ackTimeoutMs: number;
  /** `undefined`: never set, the stack's own. */
  readonly keepAliveMs: number | undefined;
  readonly keepAliveProbes: number;
  /** Bytes; `undefined`: the stack's own. */
  readonly receiveWindow: number | undefined;
}

/** Initial settings of a server's clients. */
export interface AcceptedSettings extends ClientSettings {
  readonly noDelay: boolean;
}

let initial: ClientSettings | undefined;

/** Returns the settings of a client that has changed none. */
export function initialSettings(): ClientSettings {
  return (initial ??= {
    rxTimeoutS: 0,
    ackTimeoutMs: configuration.integer('maxAckTimeMs') ?? 0,
    keepAliveMs: undefined,
    keepAliveProbes: 0,
    receiveWindow: undefined,
  });
}
