// The table of docs/scale.md, made of the results of `npm run bench:scale`.

/** Medians of the rounds of a path and a contestant. */
export interface ScaleRow {
  readonly path: string;
  readonly contestant: string;
  /** Requests a second. */
  readonly perSecond: number;
  /** Latency of a request, in microseconds. */
  readonly p50Us: number;
  readonly p99Us: number;
  /** Processor time of a request in the servers, and in HAProxy, in microseconds. */
  readonly serverUs: number;
  readonly proxyUs: number;
}

export interface ScaleReport {
  readonly date: string;
  readonly machine: string;
  readonly connections: number;
  readonly rounds: number;
  /** Seconds of a round. */
  readonly seconds: number;
  readonly rows: readonly ScaleRow[];
}

const NOTHING = '–';

const HEAD = ['request', 'server', 'requests/s', 'p50', 'p99', 'CPU: server', 'HAProxy'];

const thousands = (value: number): string => Math.round(value).toLocaleString('en');
const ms = (us: number): string => `${(us / 1000).toPrecision(3)} ms`;
const us = (value: number): string => `${value.toPrecision(3)} µs`;

/** Returns the rows of the table, its head included. */
export function scaleTableRows({ rows }: ScaleReport): string[][] {
  const cells = rows.map(({ path, contestant, perSecond, p50Us, p99Us, serverUs, proxyUs }) => [
    `\`/${path}\``,
    contestant,
    thousands(perSecond),
    ms(p50Us),
    ms(p99Us),
    us(serverUs),
    proxyUs === 0 ? NOTHING : us(proxyUs),
  ]);
  return [HEAD, ...cells];
}
