/**
 * Stops a thread in the middle of its callback, asks it where it is and which connection it works for, and
 * lets it run on. The thread notices at its next loop or call; in a synchronous call of the runtime it
 * notices late.
 *
 * Order: Debugger.enable → Debugger.pause → paused: hooks are asked → `found` → `release`.
 */
import { Debuggee, isRecord, part, textPart, type DebuggeeEvents } from './debuggee-node.js';
import type { ConnectionReport } from './connection-report.js';
import { sourcePosition, type Script } from './source-position-node.js';

/** As deep as V8's own backtraces go where they are asked to go deep. */
const MAX_CALLS = 50;

export interface Place {
  readonly client: ConnectionReport | undefined;
  readonly backtrace: readonly string[];
}

export interface ExaminationEvents {
  /** The thread stands still until `release`. */
  found(place: Place): void;
  /** Somebody else's debugger holds the thread: that it stands still is no fault. */
  held(): void;
}

export class Examination implements DebuggeeEvents {
  readonly #debuggee: Debuggee;
  readonly #events: ExaminationEvents;
  readonly #hooks: string;
  readonly #scripts = new Map<string, Script>();
  #enabled = false;
  /** The thread stands still, for us. */
  #stands = false;
  #attached = false;
  #over = false;
  /** The thread was left for good: no event of it comes any more. */
  gone = false;

  /** @param hooks the expression that is the thread's `TaskHooks`. */
  constructor(threadId: number, hooks: string, events: ExaminationEvents) {
    this.#events = events;
    this.#hooks = hooks;
    this.#debuggee = new Debuggee(threadId, this);
  }

  ready(): void {
    this.#attached = true;
    if (this.#over) {
      this.#leave();
      return;
    }
    // A thread that somebody else's debugger holds says so before it answers.
    this.#debuggee.send('Debugger.enable', {}, () => {
      this.#enabled = true;
    });
    // Sent together, both are there when a synchronous call returns.
    this.#debuggee.send('Debugger.pause');
  }

  event(method: string, params: unknown): void {
    if (this.#over) return;
    if (method === 'Debugger.scriptParsed') this.#addScript(params);
    if (method !== 'Debugger.paused') return;
    if (this.#enabled) this.#paused(params);
    else this.#events.held();
  }

  /** Calls one of the thread's hooks while it stands still. */
  call(hook: string, reply?: (value: unknown) => void): void {
    const expression = `${this.#hooks}.${hook}()`;
    this.#debuggee.send('Runtime.evaluate', { expression, returnByValue: true }, (result) =>
      reply?.(part(result, 'result', 'value')),
    );
  }

  /** Lets the thread run on, or takes the question back; `done` when it has. */
  release(done: () => void = () => undefined): void {
    if (this.#over) return;
    this.#over = true;
    if (!this.#attached) {
      // Nothing was sent yet; a worker that is found later is left at once.
      this.#leave();
      done();
      return;
    }
    // A worker stays paused when its debugger merely goes away.
    if (this.#stands) this.#debuggee.send('Debugger.resume');
    this.#debuggee.send('Debugger.disable', {}, () => {
      this.#leave();
      done();
    });
  }

  #leave(): void {
    if (!this.gone) this.#debuggee.end();
    this.gone = true;
  }

  #addScript(params: unknown): void {
    const url = textPart(params, 'url');
    const sourceMapUrl = textPart(params, 'sourceMapURL');
    this.#scripts.set(textPart(params, 'scriptId'), { url, sourceMapUrl });
  }

  #paused(params: unknown): void {
    this.#stands = true;
    const frames = part(params, 'callFrames');
    const backtrace = Array.isArray(frames)
      ? frames.slice(0, MAX_CALLS).map((frame) => this.#callText(frame))
      : [];
    this.call('running', (client) => {
      if (!this.#over) this.#events.found({ client: readReport(client), backtrace });
    });
  }

  #callText(frame: unknown): string {
    const location = part(frame, 'location');
    const script = this.#scripts.get(textPart(location, 'scriptId')) ?? { url: '', sourceMapUrl: '' };
    const line = Number(part(location, 'lineNumber') ?? 0);
    const place = sourcePosition(script, line, Number(part(location, 'columnNumber') ?? 0));
    const name = textPart(frame, 'functionName');
    return `${name === '' ? '<anonymous>' : name} (${place.file}:${place.line}:${place.column})`;
  }
}

/** The report as it was copied from the other thread. */
function readReport(value: unknown): ConnectionReport | undefined {
  if (!isRecord(value)) return undefined;
  return {
    localIP: String(value['localIP']),
    localPort: Number(value['localPort']),
    remoteIP: String(value['remoteIP']),
    remotePort: Number(value['remotePort']),
    state: String(value['state']),
    bytesIn: Number(value['bytesIn']),
    bytesOut: Number(value['bytesOut']),
  };
}
