/** Rules of a program about the packets of a link. */
import { showValue } from '../support/check-options.js';
import { throwUncaught } from '../support/uncaught.js';
import type { PacketView } from './packet-view.js';

/** Rules of one direction. */
export const MOST_RULES = 1024;

/**
 * Decision about a packet. `reset`: it is dropped, and both ends of its TCP connection receive a reset; a
 * SYN is refused. `delayMs`: it is late by this time, and may be overtaken.
 */
export type Verdict = 'pass' | 'drop' | 'reset' | 'duplicate' | 'corrupt' | { readonly delayMs: number };

const VERDICTS: readonly unknown[] = ['pass', 'drop', 'reset', 'duplicate', 'corrupt'];
/** Longest time by which a rule makes a packet late, in milliseconds: ten days. */
const MOST_LATE_MS = 864_000_000;

/** Decides about a packet, which is valid during the call. `undefined`: the next rule decides. */
export type LinkRule = (packet: PacketView) => Verdict | undefined;

/** Selects packets. */
export type PacketMatch = (packet: PacketView) => boolean;

/** A rule that stands until it is disposed of: `using rule = link.add(…)`. */
export interface ActiveRule extends Disposable {
  /** Packets about which the rule has decided other than `pass`. */
  readonly hits: number;
  remove(): void;
}

export class RuleList {
  readonly #rules: LinkRule[] = [];

  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  /** Adds a rule behind the others. */
  add(rule: LinkRule): void {
    if (this.#rules.length >= MOST_RULES) throw new RangeError(`a link has at most ${MOST_RULES} rules`);
    this.#rules.push(rule);
  }

  remove(rule: LinkRule): void {
    const index = this.#rules.indexOf(rule);
    if (index >= 0) this.#rules.splice(index, 1);
  }

  /**
   * Returns the first verdict. A rule may remove itself. The error of a rule is the program's: it does not
   * unwind the sender of the packet.
   */
  decide(packet: PacketView): Verdict {
    for (const rule of [...this.#rules]) {
      try {
        const verdict = rule(packet);
        if (verdict === undefined) continue;
        checkVerdict(verdict);
        return verdict;
      } catch (error) {
        throwUncaught(error);
      }
    }
    return 'pass';
  }
}

function checkVerdict(verdict: unknown): void {
  if (VERDICTS.includes(verdict)) return;
  const late: unknown =
    typeof verdict === 'object' && verdict !== null ? Reflect.get(verdict, 'delayMs') : undefined;
  if (typeof late === 'number' && late >= 0 && late <= MOST_LATE_MS) return;
  const allowed = `${VERDICTS.join(', ')}, { delayMs } of 0 to ${MOST_LATE_MS} or undefined`;
  const shown = late === undefined ? showValue(verdict) : `{ delayMs: ${showValue(late)} }`;
  throw new RangeError(`a rule of a link must return ${allowed}, not ${shown}`);
}
