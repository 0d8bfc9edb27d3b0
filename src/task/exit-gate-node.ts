/**
 * Keeps the exit of the process and the examinations of its watchdogs apart.
 *
 * Node joins all workers before the process exits. A worker that its debugger has paused only runs on when
 * a message of the inspector arrives, and such a message passes through the main thread, which waits for
 * the worker: an exit in the milliseconds of an examination would hang for ever. So the main thread closes
 * the gates of its tasks at the exit of the process, and waits until no examination is under way. A
 * watchdog examines no thread behind a closed gate.
 */
import { isMainThread } from 'node:worker_threads';
import { systemClock } from '../support/clock.js';
import { share, shared } from './shared-node.js';

/** Indices of a gate's words. */
const CLOSED = 0;
/** Examinations under way: a task may start further tasks, which have the same gate. */
const EXAMINATIONS = 1;
const WORDS = 2;

/**
 * Longest wait of an exit for examinations. A longer examination is of a thread in a synchronous call, which
 * Node waits for anyway; by then the watchdog has withdrawn its request to stop the thread.
 */
const WAIT_LIMIT_MS = 2000;
/** The longest sleep of an exit between two looks at the gates. */
const LOOK_MS = 10;

const SHARED_NAME = 'asynctcp.exitGate';

/** Gates of the tasks that this thread has started. */
const gates = new Set<Int32Array>();

/** Returns a gate for a task that the calling thread starts; to be removed when the task's thread is over. */
export function makeGate(): Int32Array {
  const gate = ownGate() ?? new Int32Array(new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT));
  // Only the exit of the main thread waits for messages that pass through it.
  if (!isMainThread) return gate;
  if (gates.size === 0) process.on('exit', closeAll);
  gates.add(gate);
  return gate;
}

export function removeGate(gate: Int32Array): void {
  if (gates.delete(gate) && gates.size === 0) process.off('exit', closeAll);
}

/** Stores the gate that the starter has made for the calling thread, for all copies of this library. */
export function keepGate(gate: Int32Array): void {
  share(SHARED_NAME, gate);
}

/** Returns the gate of the calling thread; `undefined` in a thread that was not started as a task. */
export function ownGate(): Int32Array | undefined {
  const gate = shared(SHARED_NAME);
  // The array may come from another realm, where `instanceof` is false.
  return ArrayBuffer.isView(gate) ? (gate as Int32Array) : undefined;
}

/** Begins an examination. Returns false if the process exits: then there must be none. */
export function enterGate(gate: Int32Array): boolean {
  Atomics.add(gate, EXAMINATIONS, 1);
  if (!isClosed(gate)) return true;
  leaveGate(gate);
  return false;
}

/** Ends an examination. */
export function leaveGate(gate: Int32Array): void {
  Atomics.sub(gate, EXAMINATIONS, 1);
  Atomics.notify(gate, EXAMINATIONS);
}

/** True if the process exits. */
export function isClosed(gate: Int32Array): boolean {
  return Atomics.load(gate, CLOSED) !== 0;
}

function closeAll(): void {
  for (const gate of gates) Atomics.store(gate, CLOSED, 1);
  const limitMs = systemClock.nowMs() + WAIT_LIMIT_MS;
  for (const gate of gates) waitFor(gate, limitMs);
}

/**
 * Waits for the examinations behind a gate. The main thread still passes on messages of the inspector
 * meanwhile.
 */
function waitFor(gate: Int32Array, limitMs: number): void {
  let running = Atomics.load(gate, EXAMINATIONS);
  while (running > 0 && systemClock.nowMs() < limitMs) {
    Atomics.wait(gate, EXAMINATIONS, running, LOOK_MS);
    running = Atomics.load(gate, EXAMINATIONS);
  }
}
