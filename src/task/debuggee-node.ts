/**
 * Another thread of this process as its debugger sees it, from a worker thread: the main thread directly, a
 * worker through the main thread's `NodeWorker` domain. The debugger interrupts JavaScript that runs, and
 * `Atomics.wait`; a thread in a synchronous call of the runtime, such as `execSync`, notices when that call
 * returns.
 *
 * Call order: the constructor connects, and `onAttached` is called later; then `send` any number of times;
 * `end` once. All answers are callbacks: a promise would wait for the next turn of this thread's loop at
 * each step.
 */
import { Session } from 'node:inspector';
import { queueMicrotask } from '../support/microtask.js';

export interface DebuggeeEvents {
  /** The thread is connected: messages can be sent. */
  onAttached(): void;
  /** The thread's debugger reports an event of the inspector's protocol. */
  onEvent(method: string, params: unknown): void;
}

/** Receives the result of a message; `undefined` for an error. */
export type Reply = (result: unknown) => void;

/** The fields of a message of the inspector's protocol that are used here. */
interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** Returns the part of an object that a chain of names leads to; `undefined` if there is none. */
export function part(value: unknown, ...names: readonly string[]): unknown {
  let found = value;
  for (const name of names) found = isRecord(found) ? found[name] : undefined;
  return found;
}

/** Returns the same part if it is a text, else ''. */
export function textPart(value: unknown, ...names: readonly string[]): string {
  const found = part(value, ...names);
  return typeof found === 'string' ? found : '';
}

export class Debuggee {
  readonly #session = new Session();
  readonly #events: DebuggeeEvents;
  /** The thread's number if it is a worker, else `undefined`. */
  readonly #worker: number | undefined;
  /** The main thread's name for the connection to the worker; `undefined` until the worker is attached. */
  #workerSession: string | undefined;
  readonly #replies = new Map<number, Reply>();
  #lastId = 0;

  /** @param threadId the number that `worker_threads` gives the thread; 0 is the main thread. */
  constructor(threadId: number, events: DebuggeeEvents) {
    this.#events = events;
    this.#worker = threadId === 0 ? undefined : threadId;
    this.#session.connectToMainThread();
    this.#session.on('inspectorNotification', (message) => {
      this.#notified(message.method, message.params);
    });
    // An event must not come before the constructor returns.
    if (this.#worker === undefined) queueMicrotask(() => events.onAttached());
    else this.#session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  }

  /** Sends a message of the inspector's protocol. */
  send(method: string, params: Readonly<Record<string, unknown>> = {}, reply?: Reply): void {
    if (this.#worker === undefined) {
      this.#session.post(method, params, (error, result) => reply?.(error === null ? result : undefined));
      return;
    }
    this.#lastId += 1;
    if (reply !== undefined) this.#replies.set(this.#lastId, reply);
    const message = JSON.stringify({ id: this.#lastId, method, params });
    this.#session.post('NodeWorker.sendMessageToWorker', { sessionId: this.#workerSession, message });
  }

  /** Disconnects: no event comes after it. */
  end(): void {
    this.#session.disconnect();
  }

  #notified(method: string, params: unknown): void {
    if (this.#worker === undefined) this.#events.onEvent(method, params);
    else if (method === 'NodeWorker.attachedToWorker') this.#attached(params);
    else if (method === 'NodeWorker.receivedMessageFromWorker') this.#received(params);
  }

  #attached(params: unknown): void {
    // `workerId` is the inspector's own number; the title has the thread's: `[worker 3] name`.
    const title = textPart(params, 'workerInfo', 'title');
    if (!title.startsWith(`[worker ${this.#worker}]`)) return;
    this.#workerSession = textPart(params, 'sessionId');
    this.#events.onAttached();
  }

  #received(params: unknown): void {
    if (part(params, 'sessionId') !== this.#workerSession) return;
    const message = JSON.parse(textPart(params, 'message')) as Message;
    if (message.id === undefined) {
      this.#events.onEvent(message.method ?? '', message.params);
      return;
    }
    const reply = this.#replies.get(message.id);
    this.#replies.delete(message.id);
    reply?.(message.result);
  }
}
