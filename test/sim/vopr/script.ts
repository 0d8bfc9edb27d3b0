/** What one end of a connection does, drawn when the end begins. */
import { WRITE_FLAGS } from '../../support/write-flags.js';
import type { Dice } from './dice.js';

export const READINGS = ['at once', 'ack later', 'packets', 'pauses'] as const;
/**
 * `shuts`: FIN after the last byte, then reads to the end. `waits`: closes after both streams. `closes`:
 * closes after its own. `abrupt`: at some time.
 */
export const ENDINGS = ['shuts', 'waits', 'closes', 'abrupt'] as const;

/**
 * Bounds that let a script come to its end: pieces, round trips, and the time of all pauses between pieces.
 */
const MOST_PIECES = 500;
const MOST_ROUNDS = 200;
const LONGEST_MS = 120_000;

export interface Script {
  /** Bytes behind the header. */
  readonly bytes: number;
  /** Bytes of one `add` at most. */
  readonly pieceBytes: number;
  /** Mean time between two bursts; 0: adds as soon as there is space. */
  readonly thinkMs: number;
  readonly flags: number;
  /** True: the peer sends back what it receives, and at most `roundBytes` are on the way. */
  readonly wantsEcho: boolean;
  readonly roundBytes: number;
  readonly reading: (typeof READINGS)[number];
  /** Longest time for which received bytes are withheld, or reading pauses. */
  readonly readDelayMs: number;
  readonly ending: (typeof ENDINGS)[number];
  /** Of an abrupt end: how, and how long after the beginning. */
  readonly abruptBy: 'close' | 'abort' | 'shutdown';
  readonly abruptMs: number;
  readonly noDelay: boolean;
  readonly reportsAcks: boolean;
  readonly ackTimeoutMs: number;
  readonly keepAliveMs: number;
}

/**
 * @param sizeBytes bytes of a stream at most.
 * @param isDialing true: the end may ask for an echo.
 */
export function drawScript(dice: Dice, sizeBytes: number, isDialing: boolean): Script {
  const ending = dice.pick(['shuts', 'shuts', 'waits', 'waits', 'closes', 'abrupt']);
  const bytes = dice.isLucky(0.1) ? 0 : dice.size(1, sizeBytes);
  const pieceBytes = Math.max(dice.size(1, 20_000), Math.ceil(bytes / MOST_PIECES));
  const thinkMs = dice.isLucky(0.5) ? 0 : dice.scale(0.1, 3000);
  return {
    bytes,
    pieceBytes,
    thinkMs: Math.min(thinkMs, (LONGEST_MS * pieceBytes) / Math.max(1, bytes)),
    flags: dice.pick(WRITE_FLAGS),
    wantsEcho: isDialing && dice.isLucky(0.4),
    roundBytes: Math.max(dice.size(1, 20_000), Math.ceil(bytes / MOST_ROUNDS)),
    reading: dice.pick(READINGS),
    readDelayMs: dice.scale(0.1, 2000),
    // One of two ends has to begin.
    ending: ending === 'waits' && isDialing ? 'shuts' : ending,
    abruptBy: dice.pick(['close', 'abort', 'shutdown']),
    abruptMs: dice.scale(0.01, 60_000),
    noDelay: dice.isLucky(0.4),
    reportsAcks: dice.isLucky(0.7),
    ackTimeoutMs: dice.isLucky(0.2) ? dice.size(1000, 60_000) : 0,
    keepAliveMs: dice.isLucky(0.2) ? dice.size(1000, 60_000) : 0,
  };
}
