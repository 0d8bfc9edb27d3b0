/** One connection of a round as both of its ends see it, and what must hold between them. */
import type { Scene } from './round-context.js';

/** What an end tells of itself; it is looked at while it lives and when it is over. */
export interface EndReport {
  readonly name: string;
  /** Bytes of its stream that it has given to its stack. */
  taken: number;
  /** Bytes of the other end's stream that it was given. */
  got: number;
  /** It has seen the other end's FIN, and reads up to it. */
  sawEnd: boolean;
  /** It may have answered, or ended, with a reset. */
  mayReset: boolean;
  /** It was destroyed with bytes that its own process had not sent: its FIN says nothing. */
  readonly isCut: boolean;
  isOver: boolean;
  /** What happened, for a fault's text. */
  story: string;
}

export interface LinkPlan {
  readonly number: number;
  /** Names of the streams of either end; the same where the peer is sent what it sent. */
  readonly ourStream: number;
  readonly peerStream: number;
  /** Bytes of each. */
  readonly ourBytes: number;
  readonly peerBytes: number;
  readonly echoes: boolean;
  /** Our end connects; else it is accepted. */
  readonly connects: boolean;
  readonly peer: 'socket' | 'ours' | 'worker';
  readonly seed: number;
  readonly peerSeed: number;
}

export function describeEnd(end: EndReport | undefined): string {
  if (end === undefined) return 'not there';
  const { name, taken, got, sawEnd, mayReset, isOver, story } = end;
  const state = `${taken} taken, ${got} got, ${isOver ? 'over' : 'open'}`;
  return `${name}: ${state}${sawEnd ? ', saw the end' : ''}${mayReset ? ', may reset' : ''}; ${story}`;
}

/** A FIN says that what came before it is the whole stream: it is, whoever sent it and however it ended. */
export function checkWhole(scene: Scene, from: EndReport | number, to: EndReport): void {
  const whole = typeof from === 'number' ? from : from.taken;
  const sender = typeof from === 'number' ? 'a worker' : describeEnd(from);
  if (to.got > whole) scene.fault(`more arrived than was sent: ${describeEnd(to)}\n  from ${sender}`);
  const isCut = typeof from !== 'number' && from.isCut;
  if (to.sawEnd && !isCut && to.got !== whole) {
    scene.fault(`a part looks whole, of ${whole}: ${describeEnd(to)}\n  from ${sender}`);
  }
}
