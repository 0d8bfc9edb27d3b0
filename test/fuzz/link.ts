/** Both sides of one connection of a round, and the checks that compare them. */
import type { RoundContext } from './round-context.js';

/** The state of one side, during the connection and after it. */
export interface SideReport {
  readonly name: string;
  /** Bytes of its stream that its stack has taken. */
  taken: number;
  /** Bytes of the other side's stream that it has received. */
  got: number;
  /** It has received the other side's FIN and everything before it. */
  sawEnd: boolean;
  /** It may have reset the connection. */
  mayReset: boolean;
  /**
   * It was destroyed with unsent bytes in its own process: its FIN does not mean that its stream is complete.
   */
  readonly isCut: boolean;
  isOver: boolean;
  /** The events so far, for the text of a violation. */
  log: string;
}

export interface LinkPlan {
  readonly number: number;
  /** Seeds of both streams; equal if our side echoes. */
  readonly ourStream: number;
  readonly peerStream: number;
  /** Bytes of each stream. */
  readonly ourBytes: number;
  readonly peerBytes: number;
  readonly echoes: boolean;
  /** True: our side connects. False: it is accepted. */
  readonly connects: boolean;
  readonly peer: 'socket' | 'ours' | 'worker';
  readonly seed: number;
  readonly peerSeed: number;
}

export function describeSide(end: SideReport | undefined): string {
  if (end === undefined) return 'not there';
  const { name, taken, got, sawEnd, mayReset, isOver, log } = end;
  const state = `${taken} taken, ${got} got, ${isOver ? 'over' : 'open'}`;
  return `${name}: ${state}${sawEnd ? ', saw the end' : ''}${mayReset ? ', may reset' : ''}; ${log}`;
}

/** Checks that a side that received a FIN has received the whole stream, however the connection ended. */
export function checkWhole(context: RoundContext, from: SideReport | number, to: SideReport): void {
  const whole = typeof from === 'number' ? from : from.taken;
  const sender = typeof from === 'number' ? 'a worker' : describeSide(from);
  if (to.got > whole) context.report(`more arrived than was sent: ${describeSide(to)}\n  from ${sender}`);
  const isCut = typeof from !== 'number' && from.isCut;
  if (to.sawEnd && !isCut && to.got !== whole) {
    context.report(`a part looks whole, of ${whole}: ${describeSide(to)}\n  from ${sender}`);
  }
}
