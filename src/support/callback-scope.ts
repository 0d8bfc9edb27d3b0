/**
 * The running callback of the program. Writes inside a callback are gathered, and sent when the callback
 * returns at the latest: small writes leave together, and none waits for another callback.
 *
 * Only one sender gathers at a time: when a second one begins to gather, the writes of the first are sent. So
 * writes leave in the order of the calls, across connections and stacks.
 *
 * Call order: `enterCallback` → (`gather` | `flushGathered`)* → `leaveCallback` → `runTicks`, by a loop that
 * may have more callbacks to call before the runtime runs ticks and microtasks itself.
 */

/** Bits of the number of a turn: it stays a small integer. */
const TURN_MASK = 0x3fff_ffff;

let isRunning = false;
/** True if a callback has run, and no ticks since. */
let ticksAreDue = false;
let runtimeTicks: (() => void) | undefined;
/** Loops inside of each other that hold ticks: then `runTicks` does nothing. */
let holders = 0;
/** Callbacks that have returned. It wraps: only equality is asked for. */
let callbacks = 0;
/** Number of the present turn. It wraps: only neighbours are compared. */
let turn = 0;
/** Sends the gathered writes of their sender. */
let gathered: (() => void) | undefined;
/** True if all gathered writes may wait until their sender's turn is over. */
let waitsForTurn = true;
/**
 * Functions that send the bytes which MORE holds back in this turn of the loop, in the order of the calls.
 */
const heldBack = new Set<() => void>();

/** Returns true while a callback runs: writes that are gathered now will be sent. */
export function isInCallback(): boolean {
  return isRunning;
}

export function enterCallback(): void {
  isRunning = true;
}

export function leaveCallback(): void {
  isRunning = false;
  ticksAreDue = true;
  callbacks = (callbacks + 1) & TURN_MASK;
  if (gathered !== undefined && !waitsForTurn) flushGathered();
}

/** Notes that a loop begins to pass on the events of one poll. */
export function beginTurn(): void {
  turn = (turn + 1) & TURN_MASK;
}

/**
 * Returns the number of the present turn, or of the last one: events of one number came from one poll. Loops
 * that do not count their turns leave the number as it is.
 */
export function currentTurn(): number {
  return turn;
}

/** Notes that an event has caused microtasks without a callback: it has settled a promise of the program. */
export function ticksCaused(): void {
  ticksAreDue = true;
  callbacks = (callbacks + 1) & TURN_MASK;
}

/** Returns a number that differs from an earlier one if a callback has returned since. */
export function callbackMark(): number {
  return callbacks;
}

/**
 * Notes that gathered writes wait, which `leave` sends. One sender passes the same function each time.
 * @param ofTurn true if the writes may wait until the sender's turn is over, where the sender itself calls
 *   `flushGathered`; false if they leave when the running callback returns.
 */
export function gather(leave: () => void, ofTurn = false): void {
  if (gathered !== leave) {
    flushGathered();
    gathered = leave;
  }
  if (!ofTurn) waitsForTurn = false;
}

/** Sends the gathered writes: before bytes that must not overtake them, and before the process exits. */
export function flushGathered(): void {
  const leave = gathered;
  if (leave === undefined) return;
  gathered = undefined;
  waitsForTurn = true;
  leave();
}

/**
 * Calls `leave` when the present turn of the loop is over, as a job of `stack`, or before the process exits.
 */
export function holdBack(stack: { post(job: () => void): void }, leave: () => void): void {
  heldBack.add(leave);
  stack.post(() => {
    if (heldBack.delete(leave)) leave();
  });
}

/**
 * Sends all gathered and held-back writes before the process exits, also from inside a callback, which does
 * not return. Later writes are sent at once.
 */
export function flushForExit(): void {
  isRunning = false;
  flushGathered();
  for (const leave of heldBack) {
    heldBack.delete(leave);
    leave();
  }
}

/** Sets the function that runs the runtime's waiting ticks and microtasks. The function must not throw. */
export function setTickRunner(run: (() => void) | undefined): void {
  runtimeTicks = run;
}

/** Returns true if ticks that a callback caused wait for `runTicks`. */
export function areTicksDue(): boolean {
  return ticksAreDue;
}

/** Returns true if this runtime can run ticks between two callbacks. */
export function canRunTicks(): boolean {
  return runtimeTicks !== undefined;
}

/**
 * Has `runTicks` do nothing until the same number of calls with `false`: in a loop that has to end before any
 * tick, and may be inside of another one.
 */
export function holdTicks(on: boolean): void {
  holders += on ? 1 : -1;
}

/**
 * Runs the ticks and microtasks that the last callback caused, before the next callback. Must not be called
 * while code of the runtime that expects to run before its ticks is on the stack.
 */
export function runTicks(): void {
  if (!ticksAreDue || holders > 0) return;
  ticksAreDue = false;
  runtimeTicks?.();
}
