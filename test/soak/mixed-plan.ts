/**
 * The plan of each connection of `mixed-program.ts`. It follows from the seed and the connection's number
 * alone, so that a seed replays it. The timing depends on the machine.
 */
import { Random } from '../support/random.js';

export const WAYS = ['echo', 'exchange', 'half close', 'refused', 'given up'] as const;
export type Way = (typeof WAYS)[number];

/** Connections of each way among ten. */
const WEIGHTS: Record<Way, number> = { echo: 3, exchange: 3, 'half close': 2, refused: 1, 'given up': 1 };
const DRAWN = WAYS.flatMap((way) => new Array<Way>(WEIGHTS[way]).fill(way));

export type Side = 'client' | 'accepted';
export const SIDES = ['client', 'accepted'] as const;

/**
 * The stacks of either side have the usual limits or small ones, which are reached often. Every second server
 * has small ones.
 */
export const SIZES = ['usual', 'small'] as const;
export type Size = (typeof SIZES)[number];
export const SERVERS = 8;

/** The destination: a server by address or by name, or an address on which nothing listens. */
export const HOSTS = ['address', 'name', 'nobody'] as const;

export const READING = ['at once', 'ack later', 'packets', 'slow'] as const;

/** The plan of one side. */
export interface SidePlan {
  readonly reading: (typeof READING)[number];
  /** Times that it withholds received bytes for a while. */
  readonly pauses: number;
  readonly longestPauseMs: number;
  /** Adds more in `onAck`, or polls `space()`. */
  readonly sends: 'on ack' | 'from time to time';
  /** Most bytes of one `add`. */
  readonly pieceBytes: number;
  /** In a half close, the accepted side begins to send after the peer's FIN. */
  readonly answersLate: boolean;
  /** Closes when its stream is complete; otherwise it waits for the peer to close. */
  readonly closes: boolean;
  readonly noDelay: boolean;
  readonly polls: boolean;
  readonly rxTimeoutS: number;
  /** Seed of its random numbers at run time. */
  readonly seed: number;
}

/** A reset by one side: after `amount` bytes received, bytes sent, or milliseconds. */
export interface ResetPlan {
  readonly by: Side;
  readonly after: 'received' | 'sent' | 'ms';
  readonly amount: number;
}

export interface GivingUpPlan {
  readonly by: 'close' | 'abort' | 'signal';
  /** 0: in the same turn as `connect`. */
  readonly afterMs: number;
}

export interface Plan {
  readonly number: number;
  readonly way: Way;
  readonly host: (typeof HOSTS)[number];
  /** Index of the server. */
  readonly server: number;
  /** Limits of the client's stack. */
  readonly client: Size;
  /** Reuses the client of the last connection, if its stack is the right one. */
  readonly reuses: boolean;
  /** Offset of each side's stream in the block of random bytes. */
  readonly starts: Readonly<Record<Side, number>>;
  /** Bytes that each side sends. In an echo, the accepted side returns the bytes that it received. */
  readonly bytes: Readonly<Record<Side, number>>;
  /** Sizes of the messages of an echo. The client sends each when it has received the last one back. */
  readonly messages: readonly number[];
  readonly thinks: boolean;
  readonly sides: Readonly<Record<Side, SidePlan>>;
  readonly reset: ResetPlan | undefined;
  readonly givingUp: GivingUpPlan;
}

const MOST_BYTES = 4_194_304;
/** Limit of a stream if a stack has small limits: still many times its window. */
const MOST_BYTES_IN_SMALL = 262_144;
const MOST_MESSAGES = 24;
const MOST_MESSAGE_BYTES = 65_536;
const MOST_PIECE_BYTES = 262_144;
/** Bounds the number of pieces of a stream. */
const PIECES = 256;
const MOST_PAUSES = 12;
const LONGEST_PAUSE_MS = 250;
/** A slow reader opens its window in at most this number of steps. */
const SLOW_PAUSES = 100;
const SLOW_PAUSE_MS = 8;
const LATEST_RESET_MS = 300;
const LATEST_GIVING_UP_MS = 3;
/** Never expires, because connections last for seconds. Its timer is armed nevertheless. */
const RX_TIMEOUT_S = 600;
const WORD = 2 ** 32;

function sidePlan(random: Random, sends: number, closes: boolean): SidePlan {
  const reading = random.pick(READING);
  const isSlow = reading === 'slow';
  return {
    reading,
    pauses: isSlow ? random.whole(1, SLOW_PAUSES) : random.whole(1, MOST_PAUSES),
    longestPauseMs: random.size(isSlow ? SLOW_PAUSE_MS : LONGEST_PAUSE_MS),
    sends: random.isOneIn(4) ? 'from time to time' : 'on ack',
    pieceBytes: Math.max(random.size(MOST_PIECE_BYTES), Math.ceil(sends / PIECES)),
    answersLate: random.isOneIn(2),
    closes,
    noDelay: random.isOneIn(2),
    polls: random.isOneIn(2),
    rxTimeoutS: random.isOneIn(2) ? RX_TIMEOUT_S : 0,
    seed: random.whole(0, WORD - 1),
  };
}

function resetPlan(random: Random, bytes: Plan['bytes']): ResetPlan {
  const by = random.pick(SIDES);
  const after = random.pick(['received', 'sent', 'ms']);
  if (after === 'ms') return { by, after, amount: random.whole(0, LATEST_RESET_MS) };
  const sender = (after === 'sent') === (by === 'client') ? 'client' : 'accepted';
  return { by, after, amount: random.whole(0, bytes[sender]) };
}

function messageBytes(random: Random): number[] {
  return Array.from({ length: random.whole(1, MOST_MESSAGES) }, () => random.size(MOST_MESSAGE_BYTES));
}

/** Returns a number of bytes: 0 in one of six calls, else any order of magnitude. */
function streamBytes(random: Random, most: number): number {
  return random.isOneIn(6) ? 0 : random.size(most);
}

export function sizeOfServer(server: number): Size {
  return SIZES[server % SIZES.length] ?? SIZES[0];
}

function hostOf(random: Random, way: Way): Plan['host'] {
  if (way === 'refused' || (way === 'given up' && random.isOneIn(4))) return 'nobody';
  return random.isOneIn(8) ? 'name' : 'address';
}

export function planOf(seed: number, number: number): Plan {
  const random = new Random(seed, number);
  const way = random.pick(DRAWN as [Way, ...Way[]]);
  const host = hostOf(random, way);
  // Only the first server has a name.
  const server = host === 'name' ? 0 : random.whole(0, SERVERS - 1);
  const client = random.isOneIn(4) ? 'small' : 'usual';
  const isSmall = client === 'small' || sizeOfServer(server) === 'small';
  const most = isSmall ? MOST_BYTES_IN_SMALL : MOST_BYTES;
  const messages = way === 'echo' ? messageBytes(random) : [];
  const echoed = messages.reduce((sum, bytes) => sum + bytes, 0);
  const streams = { client: streamBytes(random, most), accepted: streamBytes(random, most) };
  const bytes = way === 'echo' ? { client: echoed, accepted: echoed } : streams;
  // After a half close in both directions neither side needs to close.
  const closer = random.pick(['client', 'accepted', 'both', way === 'half close' ? 'nobody' : 'both']);
  const closes = (side: Side): boolean => closer === side || closer === 'both';
  const start = random.whole(0, WORD - 1);
  const talks = way === 'echo' || way === 'exchange' || way === 'half close';
  return {
    number,
    way,
    host,
    server,
    client,
    reuses: random.isOneIn(3),
    starts: { client: start, accepted: way === 'echo' ? start : random.whole(0, WORD - 1) },
    bytes,
    messages,
    thinks: random.isOneIn(2),
    sides: {
      client: sidePlan(random, bytes.client, closes('client')),
      accepted: sidePlan(random, bytes.accepted, closes('accepted')),
    },
    reset: talks && random.isOneIn(4) ? resetPlan(random, bytes) : undefined,
    givingUp: {
      by: random.pick(['close', 'abort', 'signal']),
      afterMs: random.whole(0, LATEST_GIVING_UP_MS),
    },
  };
}

/**
 * Returns an echo of a new client to one server, without a reset. When it ends, all earlier clients were
 * accepted.
 */
export function lastPlan(seed: number, number: number, server: number): Plan {
  for (let other = number; ; other += 1) {
    const plan = planOf(seed, other);
    const isPlain = plan.way === 'echo' && plan.reset === undefined;
    if (isPlain) return { ...plan, number, host: 'address', server, reuses: false };
  }
}
