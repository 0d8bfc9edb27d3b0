/**
 * The native addon's TCP sockets, as `native/sockets.h` describes them: system calls on one epoll
 * descriptor, and memory that both sides see. A socket is named by its slot, an integer. Every function
 * gives 0 or more, or a refusal: −(call × 4096 + errno), see `system-error.ts` of the stack.
 *
 * Who owns the memory: `events` and `ends` are the dispatch function's from its call to its return, and the
 * addon's at any other time. What is received lies in the pages of `setPage`, of which the addon writes what
 * lies behind their `cursors`. `sends` and `arena` are filled by JavaScript, and free again when it has read
 * what `flush` answered.
 */
export interface NativeSockets {
  /** Records of `EVENT_WORDS` 32-bit words: kind, slot, first, second. */
  readonly events: ArrayBuffer;
  /** Two ends of `END_BYTES` for each record; one more entry at the end is `localEnd`'s. */
  readonly ends: ArrayBuffer;
  /** Of each page, a 32-bit offset: there the next poll begins to fill it. */
  readonly cursors: ArrayBuffer;
  /** Records of `SEND_WORDS` 32-bit words: slot, offset in the arena, bytes, result. */
  readonly sends: ArrayBuffer;
  /** What is to be sent. */
  readonly arena: ArrayBuffer;
  /** Receiving can leave the window closed: Linux 6.9. */
  readonly canPeek: boolean;

  /** Begins to connect; gives the slot. `receiveBuffer` 0: the system's own; `reusePort` is 0 or 1. */
  connect(
    address: string,
    localAddress: string | undefined,
    port: number,
    localPort: number,
    receiveBuffer: number,
    reusePort: number,
  ): number;
  /** Listens; gives the slot. `undefined`: every address, IPv6 and IPv4. `reusePort` is 0 or 1. */
  listen(
    address: string | undefined,
    port: number,
    backlog: number,
    reusePort: number,
    receiveBuffer: number,
  ): number;
  /** Writes this side's address into the last entry of `ends`. */
  localEnd(slot: number): number;
  /** Polls a listener again that ACCEPT_FAILED stopped. */
  resume(slot: number): number;

  /** Sends the first `count` records; gives the number of those that the kernel did not take whole. */
  flush(count: number): number;
  /** Bytes that the kernel took; fewer than there are means that WRITABLE will come. */
  send(slot: number, piece: Uint8Array): number;
  /** As `send`, of at most `MAX_PIECES`. */
  sendPieces(slot: number, pieces: readonly Uint8Array[]): number;
  /**
   * From the next poll on this memory is the page of that number. Gives the first offset that is aligned, for
   * its cursor.
   */
  setPage(page: number, memory: ArrayBuffer): number;
  /** Whether ACKED comes by itself: 0 or 1. */
  reportAcks(slot: number, on: number): number;
  /** Bytes that were acknowledged since the last time, here or by ACKED. */
  acked(slot: number): number;

  /** Bytes that the next poll receives at most; 0 stops receiving. */
  setReading(slot: number, bytes: number): number;
  /** From now on receiving leaves the window closed. */
  setPeeking(slot: number): number;
  /** Opens it by bytes that were received so. */
  consume(slot: number, bytes: number): number;
  /** Bytes that the peer may send now, as it was told. */
  window(slot: number): number;
  /** From now on what arrives is dropped. */
  discard(slot: number): number;

  /** From now on ACKED comes when our FIN is acknowledged, and with it all bytes. */
  awaitFinAck(slot: number): number;

  /** 0 or 1. */
  noDelay(slot: number, on: number): number;
  /** `idleS` 0 switches the probes off. */
  keepAlive(slot: number, idleS: number, intervalS: number, probes: number): number;
  /** Linux's number of the state. */
  state(slot: number): number;
  mss(slot: number): number;
  /** Milliseconds since the peer was heard of, by data or an acknowledgement. */
  heardAgo(slot: number): number;

  shutdown(slot: number): number;
  close(slot: number): number;
  /** Closes with a reset. */
  reset(slot: number): number;
  /** Events that one turn of the loop tells of at most, 4 or more; 0: as many as it has time for. */
  setQueueSize(events: number): number;
  /** Whether the sockets keep the process alive: 0 or 1. */
  keepProcess(on: number): number;
  /** Closes the descriptors and gives the memory back, when no slot is in use any more. */
  end(): number;
}

/**
 * Reads the records of a poll. The number is theirs; 0: those of the last poll that are left; -1: a page was
 * detached, and the addon needs another one. Returns true to refuse them: they are told again later.
 */
export type Dispatch = (count: number) => boolean;

/** As in `native/sockets.h`. */
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

export const EVENT_WORDS = 4;
export const SEND_WORDS = 4;
export const END_BYTES = 66;
export const MAX_EVENTS = 512;
export const MAX_SENDS = 256;
export const ARENA_BYTES = 262_144;
export const MAX_PIECES = 64;
/** Bytes that one socket receives in one poll at most. */
export const READ_BYTES = 65_536;
export const MAX_PAGES = 8;
export const PAGE_BYTES = 131_072;
/** A page with less room than this is not received into. */
export const LEAST_READ_BYTES = 16_384;
/** A piece of so many bytes is the last one of its page in a poll. */
export const LARGE_BYTES = 8192;
/** Pieces begin at multiples of this. */
export const PIECE_ALIGN = 64;
/** DATA's first number is the page, shifted by so much, and the offset in it. */
export const PAGE_SHIFT = 20;
