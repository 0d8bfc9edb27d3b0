/**
 * Stops a thread in the middle of its callback, asks it for its place and for the connection that it works
 * for, and lets it run on. The thread notices the request at its next loop iteration or call; in a
 * synchronous call of the runtime it notices when that call returns.
 *
 * `examination-phase.ts` has the phases and the table; `Examination.#enter` is the one place that changes
 * the phase.
 */
import { Debuggee, isRecord, part, textPart, type DebuggeeEvents } from './debuggee-node.js';
import type { ConnectionReport } from './connection-report.js';
import {
  EXAMINATION_PHASES,
  ExaminationPhase,
  type ExaminationAct,
  type ExaminationEvent,
} from './examination-phase.js';
import { stepOn } from './phase-table.js';
import { sourcePosition, type Script } from './source-position-node.js';

/** Calls in a backtrace: enough to see where a recursion comes from. */
const MAX_CALLS = 50;

export interface Place {
  readonly client: ConnectionReport | undefined;
  readonly backtrace: readonly string[];
}

export interface ExaminationEvents {
  /** The thread stands still until `release`. */
  onStopped(place: Place): void;
  /** Another debugger holds the thread: that it stands still is no fault. */
  onHeld(): void;
  /** The debugger has left the thread; once and last. */
  onGone(): void;
}

export class Examination implements DebuggeeEvents {
  readonly #debuggee: Debuggee;
  readonly #events: ExaminationEvents;
  readonly #hooks: string;
  readonly #scripts = new Map<string, Script>();
  #phase: ExaminationPhase = ExaminationPhase.ATTACHING;
  #onGone: () => void = () => undefined;
  #backtrace: readonly string[] = [];

  /** @param hooks the expression whose value is the thread's `TaskHooks`. */
  constructor(threadId: number, hooks: string, events: ExaminationEvents) {
    this.#events = events;
    this.#hooks = hooks;
    this.#debuggee = new Debuggee(threadId, this);
  }

  /** True if the debugger has left the thread: no event of the thread comes any more. */
  get isGone(): boolean {
    return this.#phase === ExaminationPhase.GONE;
  }

  /** Calls one of the thread's hooks while the thread stands still; `reply` gets what the hook returned. */
  call(hook: string, reply?: (value: unknown) => void): void {
    const expression = `${this.#hooks}.${hook}()`;
    this.#debuggee.send('Runtime.evaluate', { expression, returnByValue: true }, (result) =>
      reply?.(part(result, 'result', 'value')),
    );
  }

  /**
   * Lets the thread run on, or withdraws the request to stop it; calls `done` once the debugger has left
   * it.
   */
  release(done?: () => void): void {
    if (done !== undefined) this.#onGone = done;
    this.#enter('release');
  }

  // ---- what the debugger reports

  onAttached(): void {
    this.#enter('attached');
  }

  onEvent(method: string, params: unknown): void {
    if (method === 'Debugger.scriptParsed') this.#addScript(params);
    if (method !== 'Debugger.paused') return;
    if (this.#phase === ExaminationPhase.STOPPING) this.#backtrace = this.#readBacktrace(params);
    this.#enter('paused');
  }

  // ---- phases and acts

  #enter(event: ExaminationEvent): void {
    const { to, acts } = stepOn(EXAMINATION_PHASES, this.#phase, event);
    this.#phase = to;
    for (const act of acts) this.#acts[act]();
  }

  readonly #acts: Readonly<Record<ExaminationAct, () => void>> = {
    askToStop: () => {
      this.#debuggee.send('Debugger.enable', {}, () => this.#enter('enabled'));
      // Sent together, both are there when a synchronous call of the runtime returns.
      this.#debuggee.send('Debugger.pause');
    },
    askForPlace: () => {
      this.call('running', (client) => {
        if (this.#phase !== ExaminationPhase.STOPPED) return;
        this.#events.onStopped({ client: readReport(client), backtrace: this.#backtrace });
      });
    },
    reportHeld: () => this.#events.onHeld(),
    resume: () => this.#debuggee.send('Debugger.resume'),
    leave: () => this.#debuggee.send('Debugger.disable', {}, () => this.#enter('left')),
    disconnect: () => {
      this.#debuggee.end();
      this.#onGone();
      this.#events.onGone();
    },
  };

  // ---- the place

  #addScript(params: unknown): void {
    const url = textPart(params, 'url');
    const sourceMapUrl = textPart(params, 'sourceMapURL');
    this.#scripts.set(textPart(params, 'scriptId'), { url, sourceMapUrl });
  }

  #readBacktrace(params: unknown): readonly string[] {
    const frames = part(params, 'callFrames');
    return Array.isArray(frames) ? frames.slice(0, MAX_CALLS).map((frame) => this.#callText(frame)) : [];
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

/** Returns the report as the inspector's protocol has copied it from the other thread. */
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
