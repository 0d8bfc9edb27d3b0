/**
 * Look-ups of names on a stack that has names of its own, such as a simulated network: in place of
 * `dns.lookup`, with its signature, errors and order of events. Other stacks leave names to Node.
 */
import dns from 'node:dns';
import { isIP } from 'node:net';
import { chooseStack, type StackOption } from '../asynctcp/stack-choice.js';
import type { Fault } from '../port/tcp-stack.js';
import { enterCallback, leaveCallback } from '../support/callback-scope.js';
import { throwUncaught } from '../support/uncaught.js';
import { errnoNamed } from './node-errors.js';
import type { TcpHandle } from './tcp-handle.js';

const EAI_NONAME = errnoNamed('EAI_NONAME');

/** Options of `connect` that decide about the look-up. */
export interface NamedTarget {
  readonly host?: unknown;
  readonly lookup?: unknown;
}

interface LookupOptions {
  readonly all?: unknown;
  readonly family?: unknown;
}

interface FoundAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

type LookupDone = (error: Error | null, address?: string | readonly FoundAddress[], family?: number) => void;

/**
 * Returns options whose look-up is that of the handle's stack, if the target is a name of the stack and the
 * program has passed no look-up; else the options as they are, which are never changed.
 */
export function withOwnNames(target: NamedTarget, handle: TcpHandle): NamedTarget {
  const { host, lookup } = target;
  const isAddress = typeof host === 'string' && isIP(host) !== 0;
  if (isAddress || (lookup !== undefined && lookup !== null)) return target;
  const { stack } = chooseStack(handle.stack);
  if (stack.hasOwnNames !== true) return target;
  // All other options are found through the prototype, those that the program has inherited itself as well.
  const own = { lookup: lookupBy(handle) };
  Reflect.setPrototypeOf(own, target);
  return own;
}

/**
 * Calls `listen`, a function of net.js that looks the name of an address up by `dns.lookup` before it
 * returns. On a stack that has names of its own, the look-up is the stack's: net.js has no option for it.
 */
export function listeningWithOwnNames<Value>(option: StackOption | undefined, listen: () => Value): Value {
  const { stack } = chooseStack(option);
  if (stack.hasOwnNames !== true) return listen();
  const { lookup } = dns;
  const own = (host: string, ...rest: readonly unknown[]): void => {
    const done = rest.at(-1) as LookupDone;
    const options = typeof rest[0] === 'object' && rest[0] !== null ? rest[0] : {};
    if (isIP(host) !== 0) Reflect.apply(lookup, dns, [host, ...rest]);
    else {
      stack.resolve(host, (fault, addresses) => {
        inCallback(() => {
          answer(host, options, fault, addresses, done);
        });
      });
    }
  };
  Reflect.set(dns, 'lookup', own);
  try {
    return listen();
  } finally {
    Reflect.set(dns, 'lookup', lookup);
  }
}

function inCallback(job: () => void): void {
  enterCallback();
  try {
    job();
  } catch (error) {
    throwUncaught(error);
  } finally {
    leaveCallback();
  }
}

function lookupBy(handle: TcpHandle) {
  return (host: string, options: LookupOptions, done: LookupDone): void => {
    handle.lookUp(host, (fault, addresses) => {
      answer(host, options, fault, addresses, done);
    });
  };
}

function answer(
  host: string,
  { all, family }: LookupOptions,
  fault: Fault | undefined,
  addresses: readonly string[],
  done: LookupDone,
): void {
  const found = addresses.map(familyOf).filter((one) => isOfFamily(one, family));
  const [first] = found;
  if (first === undefined) done(notFound(host, fault));
  else if (all === true) done(null, found);
  else done(null, first.address, first.family);
}

function familyOf(address: string): FoundAddress {
  return { address, family: address.includes(':') ? 6 : 4 };
}

function isOfFamily(found: FoundAddress, family: unknown): boolean {
  return (family !== 4 && family !== 6) || found.family === family;
}

/** Returns the error of `getaddrinfo` for a name without addresses, or without one of the family. */
function notFound(hostname: string, fault: Fault | undefined): Error {
  const code = 'ENOTFOUND';
  const syscall = 'getaddrinfo';
  const error = new Error(`${syscall} ${code} ${hostname}`, fault?.cause && { cause: fault.cause });
  return Object.assign(error, { errno: EAI_NONAME, code, syscall, hostname });
}
