/**
 * Runs a job from the runtime's event loop, when all microtasks have run. It keeps the runtime's functions as
 * they were when this module was loaded: fake timers do not stop it. An engine that has neither immediates
 * nor channels, such as XS, runs the job as a microtask: microtasks that the job before it caused may still
 * wait.
 */

type Job = () => void;

/** Functions of a runtime by which a job can run later. */
export interface Runtime {
  readonly setImmediate?: ((job: Job) => unknown) | undefined;
  readonly MessageChannel?: (new () => Channel) | undefined;
  readonly queueMicrotask: (job: Job) => void;
}

interface Channel {
  readonly port1: object;
  readonly port2: { postMessage(message: unknown): void };
}

/** Returns the best way that a runtime has. Jobs run in the order in which they are given. */
export function macrotaskOf({ setImmediate, MessageChannel, queueMicrotask }: Runtime): (job: Job) => void {
  if (setImmediate !== undefined) {
    return (job) => {
      setImmediate(job);
    };
  }
  if (MessageChannel === undefined) return queueMicrotask;
  const jobs: Job[] = [];
  const { port1, port2 } = new MessageChannel();
  // The types of Node know no `onmessage`.
  Reflect.set(port1, 'onmessage', () => jobs.shift()?.());
  return (job) => {
    jobs.push(job);
    port2.postMessage(undefined);
  };
}

export const macrotask = macrotaskOf(globalThis);
