/** Errors by their cause: lwIP's codes and a few names of the library's own, so that the table is bounded. */
import { ErrorCode } from '../port/error-code.js';
import type { ErrorFigures } from './snapshot.js';

/** Characters of the last instance's text. */
export const MOST_ERROR_CHARACTERS = 300;

const NAMES = new Map<number, string>(Object.entries(ErrorCode).map(([name, code]) => [code, name]));

/** Returns lwIP's name of a code; `other` for a number that it does not have. */
export function causeName(code: number): string {
  return NAMES.get(code) ?? 'other';
}

interface Count {
  count: number;
  lastAtMs: number;
  last: string;
}

export class ErrorCounts {
  readonly #counts = new Map<string, Count>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  /**
   * @param cause a name of a fixed set: that of a code, or of an act of the library.
   * @param last the instance in a sentence.
   */
  add(cause: string, atMs: number, last: string): void {
    this.#total += 1;
    const text = last.slice(0, MOST_ERROR_CHARACTERS);
    this.#counts.set(cause, { count: (this.#counts.get(cause)?.count ?? 0) + 1, lastAtMs: atMs, last: text });
  }

  /** Returns the figures, the most frequent cause first. */
  figures(): ErrorFigures[] {
    const figures = [...this.#counts].map(([cause, counted]) => ({ cause, ...counted }));
    return figures.sort((a, b) => b.count - a.count);
  }
}
