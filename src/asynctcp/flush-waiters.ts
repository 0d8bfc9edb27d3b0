/** The pending promises of `flushed()`: each waits until the bytes added before it are acknowledged. */
import { ErrorCode } from '../port/error-code.js';
import type { Fault } from '../port/tcp-stack.js';
import { isError } from '../support/realm.js';
import { tcpError } from './tcp-error.js';

const ACTION = 'wait for the acknowledgement of what was added';

interface Waiting {
  /** Offset in the sent stream up to which bytes must be acknowledged. */
  readonly upTo: number;
  readonly resolve: () => void;
  readonly reject: (fault: Fault) => void;
}

export class FlushWaiters {
  /** In the order of the calls, so that the offsets rise. */
  #waiting: Waiting[] = [];

  /** Waits until everything up to an offset is acknowledged. */
  wait(upTo: number, signal: AbortSignal | undefined): Promise<void> {
    const flushed = new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting);
        if (signal !== undefined) waiting.reject(abortedBy(signal));
      };
      const stopListening = (): void => signal?.removeEventListener('abort', onAbort);
      const waiting: Waiting = {
        upTo,
        resolve: () => {
          stopListening();
          resolve();
        },
        reject: (fault) => {
          stopListening();
          reject(tcpError(ACTION, fault));
        },
      };
      this.#waiting.push(waiting);
      if (signal?.aborted === true) onAbort();
      else signal?.addEventListener('abort', onAbort, { once: true });
    });
    return harmless(flushed);
  }

  /** Resolves the promises up to an acknowledged offset. Returns true if none is pending any more. */
  acked(upTo: number): boolean {
    let first = this.#waiting[0];
    while (first !== undefined && first.upTo <= upTo) {
      first.resolve();
      this.#waiting.shift();
      first = this.#waiting[0];
    }
    return first === undefined;
  }

  /** Rejects the pending promises: the connection has ended. */
  end(fault: Fault | undefined): void {
    for (const { reject } of this.#waiting) reject(fault ?? { code: ErrorCode.ERR_CLSD });
    this.#waiting = [];
  }
}

/** Returns the promise of a wait without a connection, which is rejected. */
export function notConnected(): Promise<void> {
  return harmless(Promise.reject(tcpError(ACTION, { code: ErrorCode.ERR_CONN })));
}

/** Handles a rejection, so that the program may ignore it: `onError` reports the same fault. */
export function harmless(promise: Promise<void>): Promise<void> {
  promise.catch(() => undefined);
  return promise;
}

/** Returns the fault of an attempt or a wait that `signal` aborted. */
export function abortedBy(signal: AbortSignal): Fault {
  const reason: unknown = signal.reason;
  return { code: ErrorCode.ERR_ABRT, cause: isError(reason) ? reason : undefined };
}
