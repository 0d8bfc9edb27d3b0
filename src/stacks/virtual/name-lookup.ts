/** A look-up of a name. Its answer is an event of the stack, also if the look-up function answers at once. */
import { ErrorCode } from '../../port/error-code.js';
import type { Lookup } from '../../port/lookup.js';
import type { Fault } from '../../port/tcp-stack.js';
import { Reporter } from './reporter.js';
import type { Turns } from './turns.js';

type OnAnswer = (fault: Fault | undefined, addresses: readonly string[]) => void;

export class NameLookup extends Reporter {
  readonly #turns: Turns;
  #onAnswer: OnAnswer | undefined;
  #answer: readonly [Fault | undefined, readonly string[]] | undefined;

  constructor(turns: Turns, onAnswer: OnAnswer) {
    super();
    this.#turns = turns;
    this.#onAnswer = onAnswer;
  }

  begin(lookup: Lookup, host: string): void {
    try {
      lookup(host, (error, addresses) => {
        this.#answered(error, addresses);
      });
    } catch (error) {
      this.#answered(error instanceof Error ? error : new Error(String(error)), []);
    }
  }

  #answered(error: Error | null, addresses: readonly string[]): void {
    const isFound = error === null && addresses.length > 0;
    this.#answer ??= isFound
      ? [undefined, addresses]
      : [{ code: ErrorCode.ERR_DNS, cause: error ?? undefined }, []];
    this.#turns.add(this);
  }

  report(): boolean {
    const onAnswer = this.#onAnswer;
    if (onAnswer === undefined || this.#answer === undefined) return false;
    this.#onAnswer = undefined;
    onAnswer(...this.#answer);
    return true;
  }

  cancel(): void {
    this.#onAnswer = undefined;
  }
}

/** The look-up function of a stack that has no other: `localhost` alone has addresses. */
export const lookupLocalhost: Lookup = (host, answer) => {
  if (host === 'localhost') answer(null, ['127.0.0.1', '::1']);
  else answer(new Error(`no address is known for ${host}: pass the option lookup`), []);
};
