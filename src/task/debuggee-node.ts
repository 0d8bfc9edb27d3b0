/**
 * Another thread of this process as the debugger sees it, from a worker thread: the main thread directly, a
 * worker through the main thread's `NodeWorker` domain. Both interrupt JavaScript that runs, and
 * `Atomics.wait`; a synchronous call into the runtime, such as `execSync`, is noticed by its thread only
 * when it returns.
 *
 * Call order: the constructor connects and calls `ready`; then `send` as often as wanted; `end` once.
 * Everything goes by callback: promises would wait for the next turn of this thread's loop at each step.
 */
import { Session } from 'node:inspector';
import { queueMicrotask } from '../support/microtask.js';

export interface DebuggeeEvents {
  /** The thread is there, and messages can be sent. */
  ready(): void;
  /** An event of the thread's debugger. */
  event(method: string, params: unknown): void;
}

/** What a message was answered with; `undefined` for an error. */
export type Reply = (result: unknown) => void;

/** A message of the inspector's protocol, as far as it is looked at. */
interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** The part of an object that a chain of names leads to; `undefined` where it has no such part. */
export function part(value: unknown, ...names: readonly string[]): unknown {
  let found = value;
  for (const name of names) found = isRecord(found) ? found[name] : undefined;
  return found;
}

/** The same, where a text is expected; '' for anything else. */
export function textPart(value: unknown, ...names: readonly string[]): string {
  const found = part(value, ...names);
  return typeof found === 'string' ? found : '';
}

export class Debuggee {
  readonly #session = new Session();
  readonly #events: DebuggeeEvents;
  /** The thread's number where it is a worker. */
  readonly #worker: number | undefined;
  /** The main thread's name for the connection to the worker. */
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
    // Never from inside of the constructor.
    if (this.#worker === undefined) queueMicrotask(() => events.ready());
    else this.#session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  }

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

  /** Lets go of the thread. */
  end(): void {
    this.#session.disconnect();
  }

  #notified(method: string, params: unknown): void {
    if (this.#worker === undefined) this.#events.event(method, params);
    else if (method === 'NodeWorker.attachedToWorker') this.#attached(params);
    else if (method === 'NodeWorker.receivedMessageFromWorker') this.#received(params);
  }

  #attached(params: unknown): void {
    // `workerId` is the inspector's own number; the thread's stands in the title: `[worker 3] name`.
    const title = textPart(params, 'workerInfo', 'title');
    if (!title.startsWith(`[worker ${this.#worker}]`)) return;
    this.#workerSession = textPart(params, 'sessionId');
    this.#events.ready();
  }

  #received(params: unknown): void {
    if (part(params, 'sessionId') !== this.#workerSession) return;
    const message = JSON.parse(textPart(params, 'message')) as Message;
    if (message.id === undefined) {
      this.#events.event(message.method ?? '', message.params);
      return;
    }
    const reply = this.#replies.get(message.id);
    this.#replies.delete(message.id);
    reply?.(message.result);
  }
}
