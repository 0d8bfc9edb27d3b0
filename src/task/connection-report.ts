/** The connection that a callback concerns, for reports. */
export interface ConnectionReport {
  readonly localIP: string;
  readonly localPort: number;
  readonly remoteIP: string;
  readonly remotePort: number;
  /** As `AsyncClient.stateToString()`. */
  readonly state: string;
  /** Bytes received in this connection. */
  readonly bytesIn: number;
  /** Bytes sent in this connection. */
  readonly bytesOut: number;
}
