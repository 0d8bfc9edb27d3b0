/** Counts of the connections that needed a header of the PROXY protocol. */
import type { HeaderFault } from './proxy-header.js';

/**
 * Reason for which a connection did not become a client: its address is not trusted; its header is malformed,
 * too long, or was not complete in time; it ended before, or the server did.
 */
export type RefusalReason = HeaderFault | 'untrusted' | 'late' | 'ended' | 'serverEnded';

/** The figures of a `proxyProtocol`, since it was made. */
export interface ProxyFigures {
  /** Connections that became clients after a header. */
  readonly passed: number;
  /** Connections that did not become clients, by reason. */
  readonly refused: Readonly<Record<RefusalReason, number>>;
  /** The last one of these. */
  readonly lastRefusal: ProxyRefusal | undefined;
}

/** A connection that did not become a client. */
export interface ProxyRefusal {
  /** Address from which it came. */
  readonly address: string;
  readonly reason: RefusalReason;
  /** The reason in words. */
  readonly text: string;
}

export class ProxyCounts {
  #passed = 0;
  readonly #refused: Record<RefusalReason, number> = {
    untrusted: 0,
    malformed: 0,
    tooLong: 0,
    late: 0,
    ended: 0,
    serverEnded: 0,
  };
  #last: ProxyRefusal | undefined;

  passed(): void {
    this.#passed += 1;
  }

  refused(address: string, reason: RefusalReason, text: string): void {
    this.#refused[reason] += 1;
    this.#last = { address, reason, text };
  }

  figures(): ProxyFigures {
    return { passed: this.#passed, refused: { ...this.#refused }, lastRefusal: this.#last };
  }
}
