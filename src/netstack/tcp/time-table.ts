/**
 * The times of all connections of a host, in one array of numbers: a number with a fraction in an object
 * of its own costs V8 a box for each. A connection has a row; the first row is never given.
 */

const COLUMNS = 18;
/** The first columns begin as `Infinity`: deadlines that are not set. */
const DEADLINES = 10;
const FIRST_ROWS = 16;
/** A full table grows by this factor: a larger one would leave more of it unused. */
const GROWTH = 1.25;
/** The row of connections that are over: none of its deadlines is ever set, so that nothing is due. */
const NO_ROW = 0;

export class TimeTable {
  times = new Float64Array(FIRST_ROWS * COLUMNS);
  readonly #free: number[] = [];
  #used = 1;

  constructor() {
    this.#clear(NO_ROW);
  }

  /** Returns the place of a new row, in which no deadline is set. */
  take(): number {
    const row = this.#free.pop() ?? this.#newRow();
    this.#clear(row);
    return row;
  }

  #clear(row: number): void {
    this.times.fill(Number.POSITIVE_INFINITY, row, row + DEADLINES);
    this.times.fill(0, row + DEADLINES, row + COLUMNS);
  }

  give(row: number): void {
    if (row !== NO_ROW) this.#free.push(row);
  }

  #newRow(): number {
    const row = this.#used * COLUMNS;
    this.#used += 1;
    if (row + COLUMNS > this.times.length) {
      const rows = Math.ceil((this.times.length / COLUMNS) * GROWTH);
      const times = new Float64Array(rows * COLUMNS);
      times.set(this.times);
      this.times = times;
    }
    return row;
  }
}

/** The times of one connection. */
export class TimeRow {
  readonly #table: TimeTable;
  #row: number;

  constructor(table: TimeTable) {
    this.#table = table;
    this.#row = table.take();
  }

  /** The connection is over: its times are another's from now on. */
  release(): void {
    this.#table.give(this.#row);
    this.#row = NO_ROW;
  }

  get retransmitAtMs(): number {
    return this.#table.times[this.#row] ?? 0;
  }

  set retransmitAtMs(ms: number) {
    this.#table.times[this.#row] = ms;
  }

  /** Tail loss probe (RFC 8985 §7). */
  get probeAtMs(): number {
    return this.#table.times[this.#row + 1] ?? 0;
  }

  set probeAtMs(ms: number) {
    this.#table.times[this.#row + 1] = ms;
  }

  /** End of the reordering window of RACK (RFC 8985 §6). */
  get reorderAtMs(): number {
    return this.#table.times[this.#row + 2] ?? 0;
  }

  set reorderAtMs(ms: number) {
    this.#table.times[this.#row + 2] = ms;
  }

  get delayedAckAtMs(): number {
    return this.#table.times[this.#row + 3] ?? 0;
  }

  set delayedAckAtMs(ms: number) {
    this.#table.times[this.#row + 3] = ms;
  }

  get persistAtMs(): number {
    return this.#table.times[this.#row + 4] ?? 0;
  }

  set persistAtMs(ms: number) {
    this.#table.times[this.#row + 4] = ms;
  }

  get keepAliveAtMs(): number {
    return this.#table.times[this.#row + 5] ?? 0;
  }

  set keepAliveAtMs(ms: number) {
    this.#table.times[this.#row + 5] = ms;
  }

  get corkAtMs(): number {
    return this.#table.times[this.#row + 6] ?? 0;
  }

  set corkAtMs(ms: number) {
    this.#table.times[this.#row + 6] = ms;
  }

  get outOfOrderAtMs(): number {
    return this.#table.times[this.#row + 7] ?? 0;
  }

  set outOfOrderAtMs(ms: number) {
    this.#table.times[this.#row + 7] = ms;
  }

  /** End of a state that does not last: SYN_RECEIVED, FIN_WAIT_2, LAST_ACK. */
  get lifeAtMs(): number {
    return this.#table.times[this.#row + 8] ?? 0;
  }

  set lifeAtMs(ms: number) {
    this.#table.times[this.#row + 8] = ms;
  }

  /** Time since which the peer has answered nothing. */
  get unansweredSinceMs(): number {
    return this.#table.times[this.#row + 9] ?? 0;
  }

  set unansweredSinceMs(ms: number) {
    this.#table.times[this.#row + 9] = ms;
  }

  /** Time at which a segment of the peer arrived last. */
  get heardAtMs(): number {
    return this.#table.times[this.#row + 10] ?? 0;
  }

  set heardAtMs(ms: number) {
    this.#table.times[this.#row + 10] = ms;
  }

  /** Time at which TS.Recent was set (RFC 7323 §4.3). */
  get tsRecentAtMs(): number {
    return this.#table.times[this.#row + 11] ?? 0;
  }

  set tsRecentAtMs(ms: number) {
    this.#table.times[this.#row + 11] = ms;
  }

  /** −1 before the first sample. */
  get smoothedRttMs(): number {
    return this.#table.times[this.#row + 12] ?? 0;
  }

  set smoothedRttMs(ms: number) {
    this.#table.times[this.#row + 12] = ms;
  }

  get rttVariationMs(): number {
    return this.#table.times[this.#row + 13] ?? 0;
  }

  set rttVariationMs(ms: number) {
    this.#table.times[this.#row + 13] = ms;
  }

  get smallestRttMs(): number {
    return this.#table.times[this.#row + 14] ?? 0;
  }

  set smallestRttMs(ms: number) {
    this.#table.times[this.#row + 14] = ms;
  }

  get smallestRttAtMs(): number {
    return this.#table.times[this.#row + 15] ?? 0;
  }

  set smallestRttAtMs(ms: number) {
    this.#table.times[this.#row + 15] = ms;
  }

  /** Time at which new data was sent last. */
  get lastSentAtMs(): number {
    return this.#table.times[this.#row + 16] ?? 0;
  }

  set lastSentAtMs(ms: number) {
    this.#table.times[this.#row + 16] = ms;
  }

  /** Time from which a segment outside of the window that carries nothing may be answered again. */
  get answerAtMs(): number {
    return this.#table.times[this.#row + 17] ?? 0;
  }

  set answerAtMs(ms: number) {
    this.#table.times[this.#row + 17] = ms;
  }
}
