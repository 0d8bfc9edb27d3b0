/**
 * A preamble: bytes that an accepted connection has to send before it becomes a client (option `preamble` of
 * a server). This folder knows no format; `asynctcp/gateway` has the PROXY protocol.
 *
 * Call order: `Preamble.begin` → `PreambleReader.read`* → its answer, or `failed`.
 */
import type { Endpoint } from '../port/tcp-stack.js';
import { throwUncaught } from '../support/uncaught.js';
import {
  checkAddress,
  checkInteger,
  checkNumber,
  checkObject,
  checkPort,
  isObject,
  MAX_TIMEOUT_S,
  show,
} from './check.js';
import type { Ends } from './session-owner.js';
import type { Session } from './session.js';

/** The format of a preamble. One object may serve any number of servers. */
export interface Preamble {
  /** Milliseconds from the accept on within which the preamble must be complete, 1 to 86400000. */
  readonly timeoutMs: number;
  /**
   * Begins to read the preamble of a connection.
   * @param local this side's end of the connection.
   * @param remote the other side's end.
   * @returns the reader; `none`: the connection has no preamble and is a client at once; `refuse`: it is
   *   reset.
   */
  begin(local: Endpoint, remote: Endpoint): PreambleReader | 'none' | 'refuse';
}

/**
 * Reads the preamble of one connection. A reader that throws, or gives an answer that is none, refuses the
 * connection.
 */
export interface PreambleReader {
  /**
   * Takes the next bytes, and keeps those of them that it needs. The reader bounds what it keeps.
   */
  read(bytes: Uint8Array): PreambleAnswer;
  /**
   * The connection ended before the preamble was complete: it was reset because of the time limit (`late`) or
   * because the server ended (`serverEnded`), or the other side ended it (`ended`).
   */
  failed(reason: 'late' | 'ended' | 'serverEnded'): void;
}

/**
 * The answer of a reader: `more` bytes are needed; `refuse` resets the connection; an object says that the
 * preamble is complete.
 */
export type PreambleAnswer = 'more' | 'refuse' | CompletePreamble;

/** A preamble that is complete. */
export interface CompletePreamble {
  /** Bytes of the piece that was read last which belong to the preamble. The others are the first data. */
  readonly bytes: number;
  /** The ends that the client shows; `undefined`: those of the connection. */
  readonly ends?: { readonly local: Endpoint; readonly remote: Endpoint } | undefined;
  /** Kept with the connection, for the format's own use. */
  readonly details?: unknown;
}

/** Checks the option `preamble`; `undefined` is allowed. */
export function checkPreamble(value: unknown): Preamble | undefined {
  if (value === undefined) return undefined;
  if (!isObject(value) || !isPreamble(value)) {
    throw new TypeError(`preamble must be an object with timeoutMs and begin, not ${show(value)}`);
  }
  checkNumber('preamble.timeoutMs', value.timeoutMs, 1, MAX_TIMEOUT_S * 1000, ' ms');
  return value;
}

function isPreamble(value: object): value is Preamble {
  return 'timeoutMs' in value && 'begin' in value && typeof value.begin === 'function';
}

/** As `preamble.begin`. An exception is uncaught, and refuses the connection. */
export function beginPreamble(
  preamble: Preamble,
  { local, remote }: Ends,
): PreambleReader | 'none' | 'refuse' {
  try {
    return preamble.begin(local, remote);
  } catch (error) {
    throwUncaught(error);
    return 'refuse';
  }
}

/** Checks the answer to a piece of `length` bytes: the program's own reader may have made it. */
function checkAnswer(answer: PreambleAnswer, length: number): PreambleAnswer {
  if (answer === 'more' || answer === 'refuse') return answer;
  checkObject('the answer of a preamble', answer);
  checkInteger('bytes of a preamble', answer.bytes, 0, length);
  if (answer.ends !== undefined) {
    checkEnd('ends.local of a preamble', answer.ends.local);
    checkEnd('ends.remote of a preamble', answer.ends.remote);
  }
  return answer;
}

function checkEnd(name: string, end: Endpoint): void {
  checkObject(name, end);
  checkAddress(`address of ${name}`, end.address);
  checkPort(`port of ${name}`, end.port);
}

/** The server of arriving connections. One object serves all of them. */
export interface ArrivalOwner<Client> {
  /** Shows the session's client to the program. */
  onArrived(session: Session<Client>): void;
  /** Counts a connection that was reset for its preamble. */
  onRefused(): void;
}

/**
 * An accepted connection that is no client yet, up to the delivery of the data that came in one piece with
 * its preamble.
 */
export class Arrival<Client> {
  /** Time by the stack's clock at which the preamble is late. */
  readonly deadlineMs: number;
  readonly #reader: PreambleReader;
  readonly #owner: ArrivalOwner<Client>;
  /** Data behind the preamble that waits for the program. */
  rest: Uint8Array | undefined;
  /** True if the peer's FIN has come behind `rest`. */
  hasEnded = false;

  constructor(reader: PreambleReader, deadlineMs: number, owner: ArrivalOwner<Client>) {
    this.#reader = reader;
    this.deadlineMs = deadlineMs;
    this.#owner = owner;
  }

  /** Gives bytes to the reader. Its exception, or a wrong answer, is uncaught, and refuses the connection. */
  read(bytes: Uint8Array): PreambleAnswer {
    try {
      return checkAnswer(this.#reader.read(bytes), bytes.length);
    } catch (error) {
      throwUncaught(error);
      return 'refuse';
    }
  }

  failed(reason: 'late' | 'ended' | 'serverEnded'): void {
    if (reason === 'late') this.refused();
    try {
      this.#reader.failed(reason);
    } catch (error) {
      throwUncaught(error);
    }
  }

  arrived(session: Session<Client>): void {
    this.#owner.onArrived(session);
  }

  refused(): void {
    this.#owner.onRefused();
  }
}

/** Returns the ends that a client shows after its preamble. */
export function endsAfter({ ends, details }: CompletePreamble, own: Ends): Ends {
  const { local, remote } = own;
  const shown = ends ?? own;
  return { local: shown.local, remote: shown.remote, passedOn: { own: { local, remote }, details } };
}
