/**
 * Names on a stack that has a time of its own: its hosts are not the machine's, so the stack looks names up
 * in the place of Node's resolver.
 */
import type { StackOption } from '../asynctcp/stack-choice.js';
import type { Fault } from '../port/tcp-stack.js';
import { enterCallback, leaveCallback } from '../support/callback-scope.js';
import { isObject } from './node-parts.js';

interface LookupOptions {
  readonly all?: boolean;
}

type Answer = (error: Error | null, address: unknown, family?: number) => void;

/** A function with the signature of `dns.lookup`. */
export type NodeLookup = (host: string, options: LookupOptions, answer: Answer) => void;

/** Returns the look-up of a stack in virtual time; `undefined` for all others: Node's resolver answers. */
export function lookupOf(stack: StackOption | undefined): NodeLookup | undefined {
  if (!isObject(stack) || !isObject(stack.capabilities) || !stack.capabilities.virtualTime) return undefined;
  return (host, options, answer) => {
    stack.resolve(host, (fault, addresses) => {
      // Node's part has ticks, which run before the next event.
      enterCallback();
      try {
        pass(host, options, answer, fault, addresses);
      } finally {
        leaveCallback();
      }
    });
  };
}

function pass(
  host: string,
  { all }: LookupOptions,
  answer: Answer,
  fault: Fault | undefined,
  addresses: readonly string[],
): void {
  const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  const [first] = found;
  if (fault !== undefined || first === undefined) answer(notFound(host, fault), all === true ? [] : '');
  else if (all === true) answer(null, found);
  else answer(null, first.address, first.family);
}

/** Returns the error that Node's resolver has for a name that is not there. */
function notFound(host: string, fault: Fault | undefined): Error {
  const error = new Error(`getaddrinfo ENOTFOUND ${host}`, { cause: fault?.cause });
  return Object.assign(error, { code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: host });
}
