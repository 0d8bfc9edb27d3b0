/**
 * The native addon's TCP sockets, which `native/sockets.h` describes: system calls on one epoll descriptor,
 * and memory that both sides see. A socket is named by its slot, an integer. Every function returns 0 or
 * more, or a refusal: −(call × `ERRNO_RANGE` + errno), see `system-error.ts` of the stack kernel.
 *
 * Ownership of the memory: `events` and `ends` belong to the dispatch function from its call to its return,
 * and to the addon at all other times. Received bytes lie in the pages of `setPage`; the addon writes each
 * page from its cursor on. JavaScript fills `sends` and `arena`, and may fill them anew when it has read
 * the results of `flush`.
 */
export interface NativeSockets {
  /** Records of `EVENT_WORDS` 32-bit words: kind, slot, first, second. */
  readonly events: ArrayBuffer;
  /** Two ends of `END_BYTES` for each record, and one more pair for `localEnd`. */
  readonly ends: ArrayBuffer;
  /** For each page, the 32-bit offset at which the next poll begins to fill it. */
  readonly cursors: ArrayBuffer;
  /** Records of `SEND_WORDS` 32-bit words: slot, offset in the arena, bytes, result. */
  readonly sends: ArrayBuffer;
  /** The bytes of the send records. */
  readonly arena: ArrayBuffer;
  /**
   * Answer of the last `path`, `PATH_WORDS` 32-bit words: bytes of a segment; milliseconds since the peer's
   * last segment; round-trip time in microseconds, 0 if unknown; segments sent again; bytes that the peer's
   * window admits, −1 if unknown; retransmissions and probes in a row without an answer.
   */
  readonly pathFigures: ArrayBuffer;
  /** True if receiving can leave the window closed (`setPeeking`): Linux 6.9. */
  readonly canPeek: boolean;

  /**
   * Begins to connect. Returns the slot.
   * @param localAddress `undefined` if the system chooses.
   * @param receiveBuffer bytes of SO_RCVBUF; 0 for the system's buffer.
   * @param reusePort 1 if other sockets may use the local port as well, or 0.
   */
  connect(
    address: string,
    localAddress: string | undefined,
    port: number,
    localPort: number,
    receiveBuffer: number,
    reusePort: number,
  ): number;
  /**
   * Listens. Returns the slot.
   * @param address `undefined` for every address, IPv6 and IPv4.
   * @param sharing `SHARES_NOTHING`, `SHARES_PORT` or `SHARES_FREE_PORT`.
   * @param receiveBuffer bytes of SO_RCVBUF of the connections; 0 for the system's buffer.
   */
  listen(
    address: string | undefined,
    port: number,
    backlog: number,
    sharing: number,
    receiveBuffer: number,
  ): number;
  /**
   * Takes over a descriptor of a socket that listens already, of which other threads may have descriptors
   * too. Returns the slot. The descriptor is closed even after a refusal.
   */
  listenAlso(descriptor: number): number;
  /** Returns a further descriptor of the slot's socket. The caller closes it (`closeDescriptor`). */
  duplicate(slot: number): number;
  /** Writes this side's address into the last entry of `ends`. */
  localEnd(slot: number): number;
  /** Resumes a listener that ACCEPT_FAILED paused. */
  resume(slot: number): number;

  /**
   * Sends the first `count` records. Returns the number of those that the kernel did not accept completely.
   */
  flush(count: number): number;
  /** Returns the bytes that the kernel accepted. If they are fewer than the piece has, WRITABLE follows. */
  send(slot: number, piece: Uint8Array): number;
  /** As `send`, of the first `MAX_PIECES` pieces. */
  sendPieces(slot: number, pieces: readonly Uint8Array[]): number;
  /**
   * Makes the memory the page of this number, from the next poll on. Returns the first aligned offset, for
   * the page's cursor.
   */
  setPage(page: number, memory: ArrayBuffer): number;
  /** Switches ACKED on (1) or off (0). */
  reportAcks(slot: number, on: number): number;
  /** Returns the bytes that were acknowledged since the last call or ACKED. */
  acked(slot: number): number;

  /** Limits the bytes that the next poll receives; 0 stops receiving. */
  setReading(slot: number, bytes: number): number;
  /** Makes receiving leave the window closed, which `consume` opens. */
  setPeeking(slot: number): number;
  /** Opens the window by bytes that were received by peeking. Returns the bytes that were there. */
  consume(slot: number, bytes: number): number;
  /** Returns the bytes that the peer may send, according to the last window that it got. */
  window(slot: number): number;
  /** Drops all bytes that arrive from here on. END and FAILED still come. */
  discard(slot: number): number;

  /** Reports ACKED when the peer has acknowledged our FIN, and with it all bytes. */
  awaitFinAck(slot: number): number;

  /** Switches TCP_NODELAY on (1) or off (0). */
  noDelay(slot: number, on: number): number;
  /** Sets the probes of an idle connection, in seconds; with `idleS` 0 there are none. */
  keepAlive(slot: number, idleS: number, intervalS: number, probes: number): number;
  /** Returns the connection's `LinuxTcpState`. */
  state(slot: number): number;
  /** Returns the bytes of a segment. */
  mss(slot: number): number;
  /** Returns the milliseconds since data or an acknowledgement of the peer arrived. */
  heardAgo(slot: number): number;
  /** Writes `pathFigures`. */
  path(slot: number): number;
  /** Returns the bytes that have arrived and were not received, those that were peeked at included. */
  waiting(slot: number): number;

  /** Sends FIN behind all bytes that the kernel accepted. */
  shutdown(slot: number): number;
  /** Closes the socket and frees the slot, even if it returns a refusal. */
  close(slot: number): number;
  /** As `close`, with a reset. */
  reset(slot: number): number;
  /** At the end of the thread's environment the socket is closed and not reset. */
  leave(slot: number): number;
  /**
   * Limits the events of one turn of the event loop, to 4 or more; 0 for as many as its budget of time
   * allows.
   */
  setQueueSize(events: number): number;
  /** With 1 the sockets keep the process alive, with 0 they do not. */
  keepProcess(on: number): number;
  /** Closes the descriptors and gives the memory back. No slot may be in use any more. */
  end(): number;
}

/**
 * Reads event records.
 * @param count the number of records of a new poll; 0 to go on with those of the last poll that are left;
 *   −1 if a page was detached and the addon needs another one.
 * @returns true to refuse the records for now: the addon offers them again.
 */
export type Dispatch = (count: number) => boolean;

/** Kinds of event records; `native/sockets.h` says what `first` and `second` mean. */
export const EventKind = {
  CONNECTED: 1,
  FAILED: 2,
  DATA: 3,
  END: 4,
  ACKED: 5,
  WRITABLE: 6,
  ACCEPTED: 7,
  ACCEPT_FAILED: 8,
  STARVED: 9,
} as const;

/** Values of `sharing`, which `native/endpoint.h` describes. */
export const SHARES_NOTHING = 0;
export const SHARES_PORT = 1;
export const SHARES_FREE_PORT = 2;

/** Linux's numbers of the states of TCP (`tcp_states.h`). */
export const LinuxTcpState = {
  ESTABLISHED: 1,
  SYN_SENT: 2,
  SYN_RECV: 3,
  FIN_WAIT1: 4,
  FIN_WAIT2: 5,
  TIME_WAIT: 6,
  CLOSE: 7,
  CLOSE_WAIT: 8,
  LAST_ACK: 9,
  LISTEN: 10,
  CLOSING: 11,
} as const;

// The numbers of native/sockets.h and native/refusal.h. They are literals so that compilers fold them; a test
// compares all of them with `NativeAddon.constants`.

export const EVENT_WORDS = 4;
export const SEND_WORDS = 4;
export const END_BYTES = 66;
/** 32-bit words of `pathFigures`. */
export const PATH_WORDS = 6;
/** Event records of one poll. */
export const MAX_EVENTS = 512;
/** Send records of one flush, and the bytes that they send. */
export const MAX_SENDS = 256;
export const ARENA_BYTES = 262_144;
/** Pieces of one `sendPieces`. */
export const MAX_PIECES = 64;
/** Bytes that one socket receives in one poll at most. */
export const READ_BYTES = 65_536;
export const MAX_PAGES = 8;
export const PAGE_BYTES = 131_072;
/** A page with less room than this is not received into. */
export const LEAST_READ_BYTES = 16_384;
/** Bytes from which on a piece ends the use of its page in a poll. */
export const LARGE_BYTES = 8192;
/** Pieces begin at multiples of this. */
export const PIECE_ALIGN = 64;
/** The first number of DATA is the page << PAGE_SHIFT, plus the offset in the page. */
export const PAGE_SHIFT = 20;
/** A refusal is −(call × ERRNO_RANGE + errno). */
export const ERRNO_RANGE = 4096;
