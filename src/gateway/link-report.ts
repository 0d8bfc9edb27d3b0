/** Reports of links that stay up, and the links of this thread. */

/**
 * `connecting`: an attempt is under way. `up`: connected. `waiting`: the next attempt comes at `retryAtMs`.
 * `ended`: the link gave up, or the program ended it.
 */
export type LinkState = 'connecting' | 'up' | 'waiting' | 'ended';

/** The last failure of a link: a lost connection, or an attempt that failed. */
export interface LinkFailure {
  /** The reason in a word or two, such as `rxTimeout`, `stalledWrite`, `ERR_RST`. */
  readonly reason: string;
  /** A sentence with the details. */
  readonly text: string;
  /** The error behind the failure: a TcpError, or the exception of the program's `onUp`. */
  readonly error?: Error | undefined;
  /** Time of the failure by the stack's clock, in milliseconds. */
  readonly atMs: number;
}

/** A link at this moment. Times are by the clock of the link's stack, in milliseconds. */
export interface LinkReport {
  /** The name that the program gave, or `host:port`. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly state: LinkState;
  /** Time at which the link came into its state. */
  readonly sinceMs: number;
  /** Time of the next attempt while `waiting`. */
  readonly retryAtMs: number | undefined;
  /** Attempts to connect since the link was made. */
  readonly attempts: number;
  /** Times that the link came up. */
  readonly ups: number;
  /** Times that it was lost after it was up. */
  readonly losses: number;
  readonly lastFailure: LinkFailure | undefined;
}

/** A link that answers for itself. */
export interface ReportingLink {
  report(): LinkReport;
}

const links = new Set<ReportingLink>();

/** Adds a link to those of this thread. */
export function registerLink(link: ReportingLink): void {
  links.add(link);
}

/** Removes a link: the program ended it. */
export function unregisterLink(link: ReportingLink): void {
  links.delete(link);
}

/** Returns the links of this thread, the oldest first. */
export function registeredLinks(): ReportingLink[] {
  return [...links];
}

/** Returns the reports of the links of this thread, the oldest first. */
export function linkReports(): LinkReport[] {
  return [...links].map((link) => link.report());
}
