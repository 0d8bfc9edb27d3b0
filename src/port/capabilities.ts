/**
 * Capabilities of a stack: the facts that it can know, and the acts that it can do. The layers above promise
 * no more.
 */
export interface Capabilities {
  /**
   * Meaning of an acknowledgement: `peer`, the peer's TCP has the bytes; `local`, this machine's TCP took
   * over the bytes and will deliver them.
   */
  readonly acknowledgement: 'peer' | 'local';
  /**
   * Effect of data that is not consumed: `exact`, the window closes byte by byte; `bounded`, reading stops,
   * so that the peer is bounded by our budget plus the operating system's buffer.
   */
  readonly receiveWindow: 'exact' | 'bounded';
  /** `abort` sends a reset. Without it the connection is dropped as the runtime drops it. */
  readonly abort: boolean;
  /** Each direction can end on its own. */
  readonly halfClose: boolean;
  /** Probes on an idle connection. */
  readonly keepAlive: boolean;
  /** Interval and number of those probes can be chosen, not only the idle time before the first. */
  readonly keepAliveProbes: boolean;
  readonly ipv6: boolean;
  /** Several listeners can share a port (`SO_REUSEPORT`). */
  readonly reusePort: boolean;
  /** A connection can be made from a port that listeners share (`SO_REUSEPORT` before `bind`). */
  readonly connectReusePort: boolean;
  /** The path's real segment size is known; without it `mss` is the one usual on Ethernet. */
  readonly pathMss: boolean;
  /** Time is the simulator's, not the machine's. */
  readonly virtualTime: boolean;
}
