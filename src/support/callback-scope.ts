/**
 * The span of the program's callback that runs at this moment. Work that is gathered in it leaves when the
 * callback returns, at the latest: small writes leave together, and none waits for somebody else's callback.
 *
 * Only one party gathers at a time: when another one begins to, what the first has gathered leaves, so that
 * work leaves in the order in which it was asked for, across connections and stacks.
 *
 * Call order: `enterCallback` → (`gather` | `letLeave`)* → `leaveCallback` → `runTicks`, by a loop that may
 * have more callbacks to call before the runtime runs ticks and microtasks itself.
 */
let isRunning = false;
/** A callback ran, and no ticks have run since. */
let ticksAreDue = false;
let runtimeTicks: (() => void) | undefined;
/** Sends what its party has gathered. */
let gathered: (() => void) | undefined;
/** What MORE holds back in this turn of the loop, in the order of the calls. */
const heldBack = new Set<() => void>();

/** True while a callback runs: what is gathered now will leave. */
export function isInCallback(): boolean {
  return isRunning;
}

export function enterCallback(): void {
  isRunning = true;
}

export function leaveCallback(): void {
  isRunning = false;
  ticksAreDue = true;
  if (gathered !== undefined) letLeave();
}

/** Notes that something waits which `leave` sends. The same party gives the same function each time. */
export function gather(leave: () => void): void {
  if (gathered === leave) return;
  letLeave();
  gathered = leave;
}

/** Has everything leave that was gathered: before what must not overtake it, and before the process exits. */
export function letLeave(): void {
  const leave = gathered;
  if (leave === undefined) return;
  gathered = undefined;
  leave();
}

/**
 * Has `leave` called when the present turn of the loop is over, as a job of `stack`, or before the process
 * exits.
 */
export function holdBack(stack: { post(job: () => void): void }, leave: () => void): void {
  heldBack.add(leave);
  stack.post(() => {
    if (heldBack.delete(leave)) leave();
  });
}

/**
 * Has everything leave before the process exits, also from inside a callback, which does not return: what is
 * written from now on leaves at once.
 */
export function leaveForExit(): void {
  isRunning = false;
  letLeave();
  for (const leave of heldBack) {
    heldBack.delete(leave);
    leave();
  }
}

/** Offers what runs the ticks and microtasks of the runtime that wait. It must not throw. */
export function offerTicks(run: (() => void) | undefined): void {
  runtimeTicks = run;
}

/**
 * Runs the ticks and microtasks that the last callback caused, before the next one comes. To be called only
 * where no code of the runtime that expects to run before its ticks is on the stack.
 */
export function runTicks(): void {
  if (!ticksAreDue) return;
  ticksAreDue = false;
  runtimeTicks?.();
}
