/** The connection that a callback concerns, for whoever has to tell which one it was. */
export interface ConnectionReport {
  readonly localIP: string;
  readonly localPort: number;
  readonly remoteIP: string;
  readonly remotePort: number;
  /** As `AsyncClient.stateToString()`. */
  readonly state: string;
  /** Bytes received and bytes sent in this connection. */
  readonly bytesIn: number;
  readonly bytesOut: number;
}
