// One measurement of one contestant in one workload.

/** What idle connections cost. */
export interface IdleRound {
  /** CPU time for each message of the same load without the idle connections. */
  readonly aloneCpuUs: number;
  /** Connections that were opened in a second, each with a message there and back. */
  readonly opensPerSecond: number;
  /** The server's CPU time for opening one. */
  readonly openCpuUs: number;
  /** From the first byte of a message on all of them at once to the last byte of the last reply. */
  readonly everyoneMs: number;
  /** Memory of the server's process for each idle connection. */
  readonly rssBytes: number;
  /** JavaScript heap for each idle connection, where the runtime can be asked. */
  readonly heapBytes: number | undefined;
}

/** CPU times are those of the server's process, for each unit of the workload. */
export interface Round {
  readonly perSecond: number;
  readonly cpuUs: number;
  readonly userTicks: number;
  readonly systemTicks: number;
  /** The share of the measurement that the server's process was on a core, and the load generator. */
  readonly busy: number;
  readonly loadBusy: number;
  readonly p50Us: number | undefined;
  readonly p99Us: number | undefined;
  readonly maxUs: number | undefined;
  readonly idle: IdleRound | undefined;
}
