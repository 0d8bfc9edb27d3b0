/** The connection that a callback concerns, for reports. */
export interface ConnectionReport {
  /** Address of this side. */
  readonly localIP: string;
  /** Port of this side. */
  readonly localPort: number;
  /** Address of the peer. */
  readonly remoteIP: string;
  /** Port of the peer. */
  readonly remotePort: number;
  /** As `AsyncClient.stateToString()`. */
  readonly state: string;
  /** Bytes received in this connection. */
  readonly bytesIn: number;
  /** Bytes sent in this connection. */
  readonly bytesOut: number;
}
