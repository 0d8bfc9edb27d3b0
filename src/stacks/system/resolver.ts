/** Resolves names to addresses, by the system's resolver or by a lookup function of the user. */
import { lookup as systemLookup } from 'node:dns';
import { ErrorCode } from '../../port/error-code.js';
import type { Cancel, Fault } from '../../port/tcp-stack.js';
import { setImmediate } from '../../support/immediate.js';
import { lookupFault } from './system-fault.js';
import type { Lookup } from './system-stack-options.js';

/**
 * Answers once and later, even if the user's look-up answers at once, twice, or throws.
 */
export function resolveWith(
  lookup: Lookup | undefined,
  host: string,
  answer: (fault: Fault | undefined, addresses: readonly string[]) => void,
): Cancel {
  let wanted = true;
  const answered = (error: Error | null, addresses: readonly string[]): void => {
    setImmediate(() => {
      if (!wanted) return;
      wanted = false;
      if (error !== null) answer(lookupFault(error), []);
      else if (addresses.length === 0) answer({ code: ErrorCode.ERR_DNS }, []);
      else answer(undefined, addresses);
    });
  };
  try {
    (lookup ?? resolverLookup)(host, answered);
  } catch (error) {
    answered(error instanceof Error ? error : new Error(String(error)), []);
  }
  return () => {
    wanted = false;
  };
}

function resolverLookup(
  host: string,
  answer: (error: Error | null, addresses: readonly string[]) => void,
): void {
  // The addresses keep the order that the program or its user chose: dns.setDefaultResultOrder,
  // --dns-result-order.
  systemLookup(host, { all: true }, (error, addresses) => {
    answer(error, error === null ? addresses.map(({ address }) => address) : []);
  });
}
