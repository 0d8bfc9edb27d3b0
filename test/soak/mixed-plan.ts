/**
 * What each connection of `mixed-program.ts` is to do. The seed and the connection's number tell all of it,
 * so that a seed replays the plan; when what happens is the machine's affair.
 */
import { Random } from '../support/random.js';

export const WAYS = ['echo', 'exchange', 'half close', 'refused', 'given up'] as const;
export type Way = (typeof WAYS)[number];

/** Of ten connections. */
const WEIGHTS: Record<Way, number> = { echo: 3, exchange: 3, 'half close': 2, refused: 1, 'given up': 1 };
const DRAWN = WAYS.flatMap((way) => new Array<Way>(WEIGHTS[way]).fill(way));

export type Side = 'client' | 'accepted';
export const SIDES = ['client', 'accepted'] as const;

/**
 * The stacks of either side have the usual limits or small ones, which are reached again and again. Every
 * second server has small ones.
 */
export const SIZES = ['usual', 'small'] as const;
export type Size = (typeof SIZES)[number];
export const SERVERS = 8;

/** Where the connection goes: a server by its address or its name, or where nobody listens. */
export const HOSTS = ['address', 'name', 'nobody'] as const;

export const READING = ['at once', 'ack later', 'packets', 'slow'] as const;

/** How one end goes about its part. */
export interface EndPlan {
  readonly reading: (typeof READING)[number];
  /** How often it keeps bytes back for a while, and how long at most. */
  readonly pauses: number;
  readonly longestPauseMs: number;
  /** Adds more when bytes are acknowledged, or looks at `space()` from time to time. */
  readonly sends: 'on ack' | 'from time to time';
  /** Bytes of one `add` at most. */
  readonly pieceBytes: number;
  /** With a half close, the accepted end begins to send only at the peer's end. */
  readonly answersLate: boolean;
  /** Whether it closes when all is done, rather than wait until the peer does. */
  readonly closes: boolean;
  readonly noDelay: boolean;
  readonly polls: boolean;
  readonly rxTimeoutS: number;
  /** For what it draws while it runs. */
  readonly seed: number;
}

/** A reset by one end: when it has received or sent so many bytes, or after so many milliseconds. */
export interface ResetPlan {
  readonly by: Side;
  readonly after: 'received' | 'sent' | 'ms';
  readonly amount: number;
}

export interface GivingUpPlan {
  readonly by: 'close' | 'abort' | 'signal';
  /** 0: in the turn of `connect`. */
  readonly afterMs: number;
}

export interface Plan {
  readonly number: number;
  readonly way: Way;
  readonly host: (typeof HOSTS)[number];
  /** Which of the servers. */
  readonly server: number;
  /** What limits the client's stack has. */
  readonly client: Size;
  /** Whether the client that had another connection before is used again, if it has the right stack. */
  readonly reuses: boolean;
  /** Where in the block of random bytes each direction's stream begins. */
  readonly starts: Readonly<Record<Side, number>>;
  /** Bytes that each end sends. Of an echo, the accepted end sends what it received. */
  readonly bytes: Readonly<Record<Side, number>>;
  /** Of an echo: the client sends one when it has the last one back. */
  readonly messages: readonly number[];
  readonly thinks: boolean;
  readonly ends: Readonly<Record<Side, EndPlan>>;
  readonly reset: ResetPlan | undefined;
  readonly givingUp: GivingUpPlan;
}

const MOST_BYTES = 4_194_304;
/** Where a stack has small limits, a stream is as many times as long as its window all the same. */
const MOST_BYTES_IN_SMALL = 262_144;
const MOST_MESSAGES = 24;
const MOST_MESSAGE_BYTES = 65_536;
const MOST_PIECE_BYTES = 262_144;
/** No stream is cut into many more pieces. */
const PIECES = 256;
const MOST_PAUSES = 12;
const LONGEST_PAUSE_MS = 250;
/** A slow reader opens its window so often and so soon, bit by bit, until it has read all. */
const SLOW_PAUSES = 100;
const SLOW_PAUSE_MS = 8;
const LATEST_RESET_MS = 300;
const LATEST_GIVING_UP_MS = 3;
/** Never comes: they live for seconds. Its timer runs all the same. */
const RX_TIMEOUT_S = 600;
const WORD = 2 ** 32;

function oneOf<const T>(random: Random, choices: readonly [T, ...T[]]): T {
  return choices[random.whole(0, choices.length - 1)] ?? choices[0];
}

function isOneIn(random: Random, count: number): boolean {
  return random.whole(1, count) === 1;
}

function endPlan(random: Random, sends: number, closes: boolean): EndPlan {
  const reading = oneOf(random, READING);
  const isSlow = reading === 'slow';
  return {
    reading,
    pauses: isSlow ? random.whole(1, SLOW_PAUSES) : random.whole(1, MOST_PAUSES),
    longestPauseMs: random.size(isSlow ? SLOW_PAUSE_MS : LONGEST_PAUSE_MS),
    sends: isOneIn(random, 4) ? 'from time to time' : 'on ack',
    pieceBytes: Math.max(random.size(MOST_PIECE_BYTES), Math.ceil(sends / PIECES)),
    answersLate: isOneIn(random, 2),
    closes,
    noDelay: isOneIn(random, 2),
    polls: isOneIn(random, 2),
    rxTimeoutS: isOneIn(random, 2) ? RX_TIMEOUT_S : 0,
    seed: random.whole(0, WORD - 1),
  };
}

function resetPlan(random: Random, bytes: Plan['bytes']): ResetPlan {
  const by = oneOf(random, SIDES);
  const after = oneOf(random, ['received', 'sent', 'ms']);
  if (after === 'ms') return { by, after, amount: random.whole(0, LATEST_RESET_MS) };
  const sender = (after === 'sent') === (by === 'client') ? 'client' : 'accepted';
  return { by, after, amount: random.whole(0, bytes[sender]) };
}

function messageBytes(random: Random): number[] {
  return Array.from({ length: random.whole(1, MOST_MESSAGES) }, () => random.size(MOST_MESSAGE_BYTES));
}

/** Each order of magnitude is as likely as the others, and now and then there is nothing to send. */
function streamBytes(random: Random, most: number): number {
  return isOneIn(random, 6) ? 0 : random.size(most);
}

export function sizeOfServer(server: number): Size {
  return SIZES[server % SIZES.length] ?? SIZES[0];
}

function hostOf(random: Random, way: Way): Plan['host'] {
  if (way === 'refused' || (way === 'given up' && isOneIn(random, 4))) return 'nobody';
  return isOneIn(random, 8) ? 'name' : 'address';
}

export function planOf(seed: number, number: number): Plan {
  const random = new Random(seed ^ Math.imul(number + 1, 0x9e3779b1));
  const way = oneOf(random, DRAWN as [Way, ...Way[]]);
  const host = hostOf(random, way);
  // The first server has a name.
  const server = host === 'name' ? 0 : random.whole(0, SERVERS - 1);
  const client = isOneIn(random, 4) ? 'small' : 'usual';
  const isSmall = client === 'small' || sizeOfServer(server) === 'small';
  const most = isSmall ? MOST_BYTES_IN_SMALL : MOST_BYTES;
  const messages = way === 'echo' ? messageBytes(random) : [];
  const echoed = messages.reduce((sum, bytes) => sum + bytes, 0);
  const streams = { client: streamBytes(random, most), accepted: streamBytes(random, most) };
  const bytes = way === 'echo' ? { client: echoed, accepted: echoed } : streams;
  // Where both ends are shut down, nobody has to close.
  const closer = oneOf(random, ['client', 'accepted', 'both', way === 'half close' ? 'nobody' : 'both']);
  const closes = (side: Side): boolean => closer === side || closer === 'both';
  const start = random.whole(0, WORD - 1);
  const talks = way === 'echo' || way === 'exchange' || way === 'half close';
  return {
    number,
    way,
    host,
    server,
    client,
    reuses: isOneIn(random, 3),
    starts: { client: start, accepted: way === 'echo' ? start : random.whole(0, WORD - 1) },
    bytes,
    messages,
    thinks: isOneIn(random, 2),
    ends: {
      client: endPlan(random, bytes.client, closes('client')),
      accepted: endPlan(random, bytes.accepted, closes('accepted')),
    },
    reset: talks && isOneIn(random, 4) ? resetPlan(random, bytes) : undefined,
    givingUp: {
      by: oneOf(random, ['close', 'abort', 'signal']),
      afterMs: random.whole(0, LATEST_GIVING_UP_MS),
    },
  };
}

/** An echo to one server that nobody resets, of a fresh client: who came before it has been accepted then. */
export function lastPlan(seed: number, number: number, server: number): Plan {
  for (let other = number; ; other += 1) {
    const plan = planOf(seed, other);
    const isPlain = plan.way === 'echo' && plan.reset === undefined;
    if (isPlain) return { ...plan, number, host: 'address', server, reuses: false };
  }
}
