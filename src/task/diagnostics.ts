/**
 * The diagnostic functions of `CONFIG_ASYNC_TCP_DIAGNOSTICS`: what the task's thread has in effect, and
 * what its callbacks and connections came to. Disabled, nothing is collected.
 */
import type { Clock } from '../support/clock.js';
import type { CallbackName } from './callback-kind.js';
import { CallbackMeter, type CallbackFigures } from './callback-meter.js';
import { measureWith } from './dispatch.js';
import { WORD_BYTES } from './stack-size.js';
import { SLOW_PART, type TaskSettings } from './task-settings.js';
import { threadInEffect, type ThreadInEffect, type ThreadProbe } from './thread-in-effect.js';

/** What `diagnostics()` answers. */
export interface Diagnostics extends ThreadInEffect {
  /** By the name of the handler. */
  readonly callbacks: Readonly<Record<CallbackName, CallbackFigures>>;
  /** Connections in both directions: that there are, that there were at most, that were refused. */
  readonly connections: { readonly now: number; readonly most: number; readonly refused: number };
  readonly send: SendFigures;
}

/** What the clients of a thread have sent and their peers did not acknowledge, and its bound. */
export interface SendFigures {
  /**
   * Bytes that may be unacknowledged together (`CONFIG_ASYNC_TCP_SND_BUDGET`): the sum over the stacks that
   * have a client or a server now. Each client may have 65536 of them in any case.
   */
  readonly budgetBytes: number;
  /** Bytes that are unacknowledged, of all clients; on a stack `local`: that the kernel has not taken. */
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

/** Begins to collect, once in the life of the task. */
export function collectDiagnostics(settings: TaskSettings, clock: Clock, probe: ThreadProbe): void {
  const callbacks = new CallbackMeter(clock, settings.timeoutMs * SLOW_PART);
  const leastUnusedBytes = Number.POSITIVE_INFINITY;
  collection = { settings, callbacks, connections: new ConnectionMeter(), probe, leastUnusedBytes };
  measureWith(callbacks);
  probe.watchStack();
}

/** `undefined` while nothing is collected. */
export function connectionMeter(): ConnectionMeter | undefined {
  return collection?.connections;
}

function collected(what: string): Collection {
  if (collection === undefined) {
    throw new Error(`${what} needs CONFIG_ASYNC_TCP_DIAGNOSTICS=1 (option diagnostics of configure)`);
  }
  return collection;
}

/** 32-bit words of the stack that were never used. A page that was swapped out was used all the same. */
export function stackHighWaterMark(what: string): number {
  const found = collected(what);
  found.leastUnusedBytes = Math.min(found.leastUnusedBytes, found.probe.unusedStackBytes());
  return found.leastUnusedBytes / WORD_BYTES;
}

/** @param send tells what the connections have in flight. */
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
