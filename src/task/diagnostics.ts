/**
 * The diagnostic functions of `CONFIG_ASYNC_TCP_DIAGNOSTICS`: the thread's settings in effect, and figures
 * of its callbacks and connections. Nothing is collected while they are disabled.
 */
import type { Clock } from '../support/clock.js';
import type { CallbackName } from './callback-kind.js';
import { CallbackMeter, type CallbackFigures } from './callback-meter.js';
import { measureWith } from './dispatch.js';
import { WORD_BYTES } from './stack-size.js';
import { SLOW_PART, type TaskSettings } from './task-settings.js';
import { threadInEffect, type ThreadInEffect, type ThreadProbe } from './thread-in-effect.js';

/** The answer of `diagnostics()`. */
export interface Diagnostics extends ThreadInEffect {
  /** Figures by the name of the handler. */
  readonly callbacks: Readonly<Record<CallbackName, CallbackFigures>>;
  /** Connections in both directions: present ones, most at once, refused ones. */
  readonly connections: { readonly now: number; readonly most: number; readonly refused: number };
  /** Bytes that all connections have unacknowledged, and their limit. */
  readonly send: SendFigures;
}

/** Unacknowledged bytes of the clients of a thread, and their limit. */
export interface SendFigures {
  /**
   * Bytes that all clients together may have unacknowledged (`CONFIG_ASYNC_TCP_SND_BUDGET`): the sum over
   * the stacks that have a client or a server now. Each client may have 65536 bytes in any case.
   */
  readonly budgetBytes: number;
  /** Unacknowledged bytes of all clients; on a stack `local`, bytes that the kernel has not taken. */
  readonly unacknowledgedBytes: number;
}

export class ConnectionMeter {
  now = 0;
  most = 0;
  refused = 0;

  opened(): void {
    this.now += 1;
    if (this.now > this.most) this.most = this.now;
  }

  closed(): void {
    this.now -= 1;
  }

  wasRefused(): void {
    this.refused += 1;
  }
}

interface Collection {
  readonly settings: TaskSettings;
  readonly callbacks: CallbackMeter;
  readonly connections: ConnectionMeter;
  readonly probe: ThreadProbe;
  leastUnusedBytes: number;
}

let collection: Collection | undefined;

/** Begins to collect; called once in the life of the task. */
export function collectDiagnostics(settings: TaskSettings, clock: Clock, probe: ThreadProbe): void {
  const callbacks = new CallbackMeter(clock, settings.timeoutMs * SLOW_PART);
  const leastUnusedBytes = Number.POSITIVE_INFINITY;
  collection = { settings, callbacks, connections: new ConnectionMeter(), probe, leastUnusedBytes };
  measureWith(callbacks);
  probe.watchStack();
}

/** Returns the meter of connections; `undefined` while nothing is collected. */
export function connectionMeter(): ConnectionMeter | undefined {
  return collection?.connections;
}

/** Returns the probe of the thread that is measured; `undefined` while nothing is collected. */
export function collectedProbe(): ThreadProbe | undefined {
  return collection?.probe;
}

/** Returns the figures of the callbacks by name; `undefined` while nothing is collected. */
export function callbackFigures(): Readonly<Record<CallbackName, CallbackFigures>> | undefined {
  return collection?.callbacks.figures();
}

function collected(what: string): Collection {
  if (collection === undefined) {
    throw new Error(`${what} needs CONFIG_ASYNC_TCP_DIAGNOSTICS=1 (option diagnostics of configure)`);
  }
  return collection;
}

/**
 * Returns the 32-bit words of the stack that were never used. It never rises, also if used pages are
 * swapped out.
 * @param what the name of the public function, for the error.
 * @throws Error if nothing is collected, or the stack cannot be measured.
 */
export function stackHighWaterMark(what: string): number {
  const found = collected(what);
  found.leastUnusedBytes = Math.min(found.leastUnusedBytes, found.probe.unusedStackBytes());
  return found.leastUnusedBytes / WORD_BYTES;
}

/**
 * Returns all that was collected.
 * @param what the name of the public function, for the error.
 * @param send returns the unacknowledged bytes and their limit.
 * @throws Error if nothing is collected.
 */
export function diagnosticsReport(what: string, send: () => SendFigures): Diagnostics {
  const { settings, callbacks, connections, probe } = collected(what);
  const { now, most, refused } = connections;
  return {
    ...threadInEffect(settings, probe),
    callbacks: callbacks.figures(),
    connections: { now, most, refused },
    send: send(),
  };
}
