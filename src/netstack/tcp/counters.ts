/** Counters of TCP, for diagnostics and tests. Each dropped segment is counted with its reason. */
export class TcpCounters {
  received = 0;
  sent = 0;
  retransmitted = 0;
  resetsSent = 0;
  challengeAcks = 0;
  readonly dropped = new Map<string, number>();

  drop(reason: string): void {
    this.dropped.set(reason, (this.dropped.get(reason) ?? 0) + 1);
  }
}
