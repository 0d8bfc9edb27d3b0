/** Compares a segment of the stack, in the script's numbers, with the line that expects it. */
import type { TcpOption } from './options.js';
import { formatOptions } from './options.js';
import type { PacketLine } from './script.js';
import { TCP_FLAGS, type Segment } from './segment.js';

export interface Strictness {
  /**
   * False: the push flag may differ. RFC 9293 §3.9.1 leaves it to the stack where data ends with no program's
   * wish.
   */
  readonly push: boolean;
  /** Milliseconds that a tick of the timestamps takes, to compare them; `undefined`: any value. */
  readonly timestampTickMs: number | undefined;
}

const ECN_MARKS: Readonly<Record<string, readonly number[]>> = {
  noecn: [0],
  ect0: [2],
  ect1: [1],
  ect01: [1, 2],
  ce: [3],
};

function optionFault(
  expected: readonly TcpOption[],
  seen: readonly TcpOption[],
  strictness: Strictness,
  toleranceMs: number,
): string | undefined {
  const isSame = (option: TcpOption, index: number): boolean => {
    const other = seen[index];
    if (option.kind !== 'TS' || other?.kind !== 'TS') {
      return other !== undefined && formatOptions([option]) === formatOptions([other]);
    }
    const { timestampTickMs } = strictness;
    if (option.echo !== other.echo) return false;
    return (
      timestampTickMs === undefined || Math.abs(option.value - other.value) * timestampTickMs <= toleranceMs
    );
  };
  if (expected.length === seen.length && expected.every(isSame)) return undefined;
  return `the options are <${formatOptions(seen)}>`;
}

/** True if the flags agree. FIN and PSH stand only on the last segment of a line. */
function hasFlags(expected: string, seen: string, isLast: boolean, strictness: Strictness): boolean {
  return TCP_FLAGS.every((flag) => {
    if (flag === 'F' && !isLast) return !seen.includes(flag);
    if (flag === 'P' && (!isLast || !strictness.push)) return true;
    return expected.includes(flag) === seen.includes(flag);
  });
}

/**
 * Returns what is wrong with a segment; `undefined` if nothing is.
 * @param sequence number that the segment must begin with, in the middle of a line's data.
 * @param isLast true: it must complete the line.
 */
export function faultOf(
  line: PacketLine,
  segment: Segment,
  place: { readonly sequence: number; readonly isLast: boolean },
  strictness: Strictness,
  toleranceMs: number,
): string | undefined {
  const { isLast } = place;
  if (!hasFlags(line.flags, segment.flags, isLast, strictness)) return 'the flags differ';
  if (segment.seq !== place.sequence >>> 0)
    return `the sequence number is ${segment.seq}, not ${place.sequence}`;
  if (segment.ack !== (line.ack ?? 0) >>> 0) return `the acknowledgement is ${segment.ack}`;
  if (line.window !== undefined && segment.window !== line.window) return `the window is ${segment.window}`;
  if (segment.urgent !== line.urgent) return `the urgent pointer is ${segment.urgent}`;
  if (line.ecn !== undefined && ECN_MARKS[line.ecn]?.includes(segment.ecn) !== true)
    return `IP's ECN bits are ${segment.ecn}`;
  if (segment.data.some((byte) => byte !== 0)) return 'the data is not what was written';
  return line.options === undefined
    ? undefined
    : optionFault(line.options, segment.options, strictness, toleranceMs);
}
