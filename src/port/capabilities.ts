/** Abilities of a stack. The layers above claim no more. */
export interface Capabilities {
  /**
   * Meaning of an acknowledgement. `peer`: the peer's TCP has the bytes. `local`: this machine's TCP has
   * taken them over and will deliver them.
   */
  readonly acknowledgement: 'peer' | 'local';
  /**
   * Effect of bytes that are not consumed. `exact`: the window closes byte by byte. `bounded`: reading stops,
   * and the peer can send our window plus the operating system's buffer.
   */
  readonly receiveWindow: 'exact' | 'bounded';
  /** True if `abort` sends a reset. Otherwise the connection is dropped as the runtime drops it. */
  readonly abort: boolean;
  /** True if each direction can end on its own. */
  readonly halfClose: boolean;
  /** True if an idle connection can be probed. */
  readonly keepAlive: boolean;
  /** True if interval and number of the probes can be chosen, not only the idle time before the first. */
  readonly keepAliveProbes: boolean;
  /** True if IPv6 addresses can be used. */
  readonly ipv6: boolean;
  /** True if several listeners can share a port (`SO_REUSEPORT`). */
  readonly reusePort: boolean;
  /** True if a connection can be made from a port that listeners share (`SO_REUSEPORT` before `bind`). */
  readonly connectReusePort: boolean;
  /** True if the path's real segment size is known. Otherwise `mss` is the one usual on Ethernet. */
  readonly pathMss: boolean;
  /** True if time is the simulator's, not the machine's. */
  readonly virtualTime: boolean;
}
