// One measurement of one contestant in one workload.

/** The cost of idle connections. */
export interface IdleRound {
  /** CPU time per message of the same load without the idle connections. */
  readonly aloneCpuUs: number;
  /** Connections opened per second, each with a message and its echo. */
  readonly opensPerSecond: number;
  /** The server's CPU time for opening a connection. */
  readonly openCpuUs: number;
  /** Time from the first byte of a message on all of them at once to the last byte of the last echo. */
  readonly everyoneMs: number;
  /** Memory of the server's process per idle connection. */
  readonly rssBytes: number;
  /** JavaScript heap per idle connection, if the runtime reports it. */
  readonly heapBytes: number | undefined;
}

/** One measurement. CPU times are those of the server's process per unit of the workload. */
export interface Round {
  readonly perSecond: number;
  readonly cpuUs: number;
  readonly userTicks: number;
  readonly systemTicks: number;
  /** Shares of the measurement during which the server's process and the load generator were on a core. */
  readonly busy: number;
  readonly loadBusy: number;
  readonly p50Us: number | undefined;
  readonly p99Us: number | undefined;
  readonly maxUs: number | undefined;
  readonly idle: IdleRound | undefined;
}
