/**
 * Connects to a host and a port: looks the name up and tries its addresses by RFC 8305 (Happy Eyeballs). The
 * first connection wins and the other attempts are cancelled.
 *
 * Call order: `new Dial` → one of `onDialed`, `onDialFailed`, `onDialAborted`, never from inside the
 * constructor; or `cancel`, after which none comes and nothing is left behind.
 */
import { ErrorCode } from '../port/error-code.js';
import type {
  Attempt,
  AttemptEvents,
  Cancel,
  Connection,
  ConnectionEvents,
  ConnectTarget,
  Fault,
  TcpStack,
} from '../port/tcp-stack.js';
import { assert } from '../support/assert.js';
import { ipFamily, isUnspecified, type IpFamily } from '../support/ip-address.js';
import { Timer, type TimerOwner } from '../support/timers.js';
import { abortedBy } from './flush-waiters.js';

/**
 * RFC 8305 §5, Connection Attempt Delay: how long an address may stay silent before the next one is tried
 * beside it.
 */
const ATTEMPT_DELAY_MS = 250;
/** Most addresses of one name that are tried; further ones are ignored. */
export const MAX_ADDRESSES = 16;

export interface DialTarget {
  readonly host: string;
  readonly port: number;
  readonly localAddress: string | undefined;
  readonly localPort: number;
  /** Family of the addresses to try; `undefined`: both. */
  readonly family?: IpFamily | undefined;
  /** True: the local port is shared with listeners. */
  readonly reusePort?: boolean;
  readonly leavesAtExit?: boolean;
  /** Ends the attempt. */
  readonly signal?: AbortSignal | undefined;
  /** Bytes; `undefined`: the stack's own. */
  readonly receiveWindowBytes?: number | undefined;
}

export interface DialEvents {
  /** Returns the receiver of the connection's events. */
  onDialed(connection: Connection): ConnectionEvents;
  onDialFailed(fault: Fault): void;
  /** The target's signal has ended the attempt. */
  onDialAborted(fault: Fault): void;
}

export class Dial implements TimerOwner {
  readonly #stack: TcpStack;
  readonly #target: DialTarget;
  readonly #events: DialEvents;
  /** For the next address; made if there is one. */
  #timer: Timer | undefined;
  #attempts: DialAttempt[] = [];
  #faults: Fault[] = [];
  #cancelLookup: Cancel | undefined;
  /** Addresses that were not tried yet. */
  #waiting: string[];
  #keepsAlive: boolean;
  #over = false;
  /** Ends the wait for the signal. */
  #unsubscribe: (() => void) | undefined;

  constructor(stack: TcpStack, target: DialTarget, keepsAlive: boolean, events: DialEvents) {
    this.#stack = stack;
    this.#target = target;
    this.#keepsAlive = keepsAlive;
    this.#events = events;
    if (target.signal !== undefined) this.#listenTo(target.signal);
    if (ipFamily(target.host) !== undefined) {
      this.#waiting = [target.host];
      this.#tryNext();
      return;
    }
    this.#waiting = [];
    this.#cancelLookup = stack.resolve(target.host, (fault, addresses) => {
      this.#resolved(fault, addresses);
    });
  }

  #listenTo(signal: AbortSignal): void {
    const onAbort = (): void => {
      this.cancel();
      this.#events.onDialAborted(abortedBy(signal));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.#unsubscribe = () => {
      signal.removeEventListener('abort', onAbort);
    };
  }

  /** Bytes of the connection's receive window; `undefined`: the stack's own. */
  get receiveWindowBytes(): number | undefined {
    return this.#target.receiveWindowBytes;
  }

  cancel(): void {
    if (this.#over) return;
    this.#finish();
    this.#cancelLookup?.();
  }

  setKeepsAlive(on: boolean): void {
    this.#keepsAlive = on;
    for (const attempt of this.#attempts) attempt.setKeepsAlive(on);
  }

  /** Tries the next address beside the last one, which stays silent. Called by the timer. */
  due(): void {
    this.#tryNext();
  }

  /** The attempt has won: the others are cancelled. */
  won(attempt: DialAttempt, connection: Connection): ConnectionEvents {
    this.#forget(attempt);
    this.#finish();
    return this.#events.onDialed(connection);
  }

  lost(attempt: DialAttempt, fault: Fault): void {
    this.#forget(attempt);
    this.#faults.push(fault);
    this.#tryNext();
  }

  #forget(attempt: DialAttempt): void {
    this.#attempts = this.#attempts.filter((other) => other !== attempt);
  }

  #resolved(fault: Fault | undefined, addresses: readonly string[]): void {
    if (this.#over) return;
    const { usable, reason } = usableAddresses(this.#target, addresses);
    this.#waiting = interleaved(usable).slice(0, MAX_ADDRESSES);
    if (fault !== undefined) this.#faults.push(fault);
    else if (reason !== undefined) this.#faults.push(reason);
    this.#tryNext();
  }

  #tryNext(): void {
    const address = this.#waiting.shift();
    if (address === undefined) {
      if (this.#attempts.length === 0) this.#fail();
      return;
    }
    const { port, localAddress, localPort, reusePort = false, receiveWindowBytes } = this.#target;
    const { leavesAtExit = false } = this.#target;
    const target = { address, port, localAddress, localPort, reusePort, receiveWindowBytes, leavesAtExit };
    const attempt = new DialAttempt(this, this.#stack, target);
    attempt.setKeepsAlive(this.#keepsAlive);
    this.#attempts.push(attempt);
    const { clock, timers } = this.#stack;
    if (this.#waiting.length > 0) {
      timers.arm((this.#timer ??= new Timer(this)), clock.nowMs() + ATTEMPT_DELAY_MS);
    } else if (this.#timer !== undefined) {
      timers.disarm(this.#timer);
    }
  }

  #fail(): void {
    this.#finish();
    const last = this.#faults.at(-1);
    assert(last !== undefined, 'a dial that failed has a reason');
    if (this.#faults.length === 1) {
      this.#events.onDialFailed(last);
      return;
    }
    const causes = this.#faults.map((fault) => fault.cause).filter((cause) => cause !== undefined);
    const texts = causes.map((cause) => cause.message).join('; ');
    this.#events.onDialFailed({ code: last.code, cause: new AggregateError(causes, texts) });
  }

  #finish(): void {
    this.#over = true;
    this.#unsubscribe?.();
    if (this.#timer !== undefined) this.#stack.timers.disarm(this.#timer);
    for (const attempt of this.#attempts) attempt.cancel();
    this.#attempts = [];
    this.#waiting = [];
  }
}

/** One address that is tried. */
class DialAttempt implements AttemptEvents {
  readonly #dial: Dial;
  readonly #attempt: Attempt;

  constructor(dial: Dial, stack: TcpStack, target: ConnectTarget) {
    this.#dial = dial;
    this.#attempt = stack.connect(target, this);
  }

  onConnected(connection: Connection): ConnectionEvents {
    return this.#dial.won(this, connection);
  }

  onFailed(fault: Fault): void {
    this.#dial.lost(this, fault);
  }

  cancel(): void {
    this.#attempt.cancel();
  }

  setKeepsAlive(on: boolean): void {
    this.#attempt.setKeepsAlive(on);
  }
}

/**
 * Returns the addresses with their families in turn (RFC 8305 §4): the family that the resolver prefers comes
 * first, and each family keeps the resolver's order.
 */
export function interleaved(addresses: readonly string[]): string[] {
  const first = addresses[0] === undefined ? undefined : ipFamily(addresses[0]);
  const preferred = addresses.filter((address) => ipFamily(address) === first);
  const others = addresses.filter((address) => ipFamily(address) !== first);
  const order: string[] = [];
  for (let index = 0; index < Math.max(preferred.length, others.length); index += 1) {
    order.push(...preferred.slice(index, index + 1), ...others.slice(index, index + 1));
  }
  return order;
}

/** Returns the addresses of a name that can be tried; if there are none, the reason. */
function usableAddresses(
  { host, localAddress, family }: DialTarget,
  addresses: readonly string[],
): { usable: readonly string[]; reason?: Fault } {
  // A blocklist answers with the unspecified address, by which the system would connect to this machine.
  const specified = addresses.filter((address) => !isUnspecified(address));
  const wanted = specified.filter((address) => family === undefined || ipFamily(address) === family);
  const from = localAddress === undefined ? undefined : ipFamily(localAddress);
  const usable = wanted.filter((address) => from === undefined || ipFamily(address) === from);
  if (usable.length > 0) return { usable };
  if (specified.length === 0) {
    const cause = new Error(`${host} resolves to ${addresses.join(' and ')}, which is no host's address`);
    return { usable, reason: { code: ErrorCode.ERR_DNS, cause } };
  }
  if (wanted.length === 0) {
    const cause = new Error(`${host} has no IPv${String(family)} address`);
    return { usable, reason: { code: ErrorCode.ERR_DNS, cause } };
  }
  const cause = new Error(`${host} has no IPv${String(from)} address to reach from ${String(localAddress)}`);
  return { usable, reason: { code: ErrorCode.ERR_RTE, cause } };
}
