/**
 * A stack that records what happens and forwards it to another stack, for debugging: a client or a server
 * uses it in the place of the other one. A line is made before a call or an event is forwarded; only a call
 * whose result the line shows is forwarded first. docs/stacks.md describes the lines.
 */
import type { Capabilities } from '../../port/capabilities.js';
import type {
  Attempt,
  AttemptEvents,
  Cancel,
  ConnectTarget,
  Fault,
  Holdings,
  Listener,
  ListenerEvents,
  ListenTarget,
  StackLimits,
  TcpStack,
} from '../../port/tcp-stack.js';
import type { MonotonicClock } from '../../support/clock.js';
import type { Timer, Timers } from '../../support/timers.js';
import { clipped, endpointText, faultText, quoted } from './line-text.js';
import { connectText, RecordedAttempt, RecordedAttemptEvents } from './recorded-attempt.js';
import { listenText, RecordedListener, RecordedListenerEvents } from './recorded-listener.js';
import { Recorder, STACK_NUMBER } from './recorder.js';
import type { RecordingOptions } from './recording-options.js';

export class RecordingStack implements TcpStack {
  readonly timers: Timers;

  readonly #stack: TcpStack;
  readonly #recorder: Recorder;

  /** @param options that were checked. */
  constructor(stack: TcpStack, options: RecordingOptions) {
    this.#stack = stack;
    this.#recorder = new Recorder(stack.clock, options);
    this.timers = this.#recorder.isVerbose ? new RecordedTimers(stack.timers, this.#recorder) : stack.timers;
  }

  /** Returns the lines that are kept, the oldest first. With a sink there are none. */
  lines(): readonly string[] {
    return this.#recorder.lines();
  }

  /** Lines that gave way to newer ones, or that a sink that threw did not receive. */
  get droppedLines(): number {
    return this.#recorder.dropped;
  }

  /** The name of the stack that is recorded. */
  get name(): string {
    return this.#stack.name;
  }

  get capabilities(): Capabilities {
    return this.#stack.capabilities;
  }

  get limits(): StackLimits {
    return this.#stack.limits;
  }

  get honours(): ReadonlySet<string> {
    return this.#stack.honours;
  }

  get hasOwnNames(): boolean {
    return this.#stack.hasOwnNames === true;
  }

  get clock(): MonotonicClock {
    return this.#stack.clock;
  }

  post(job: () => void): void {
    if (this.#recorder.isVerbose) this.#recorder.call(STACK_NUMBER, 'post');
    this.#stack.post(job);
  }

  resolve(host: string, onAnswer: (fault: Fault | undefined, addresses: readonly string[]) => void): Cancel {
    const recorder = this.#recorder;
    const number = recorder.newNumber();
    recorder.call(number, `resolve ${quoted(host)}`);
    const cancel = this.#stack.resolve(host, (fault, addresses) => {
      const answer = fault === undefined ? clipped(addresses.join(' ')) : faultText(fault);
      recorder.event(number, `onAnswer ${answer}`);
      onAnswer(fault, addresses);
    });
    return () => {
      recorder.call(number, 'cancel');
      cancel();
    };
  }

  connect(target: ConnectTarget, events: AttemptEvents): Attempt {
    const recorder = this.#recorder;
    const number = recorder.newNumber();
    recorder.call(number, connectText(target));
    const attempt = this.#stack.connect(target, new RecordedAttemptEvents(events, recorder, number));
    return new RecordedAttempt(attempt, recorder, number);
  }

  listen(target: ListenTarget, events: ListenerEvents): Listener | Fault {
    const recorder = this.#recorder;
    const number = recorder.newNumber();
    const listener = this.#stack.listen(target, new RecordedListenerEvents(events, recorder, number));
    const isFault = 'code' in listener;
    const result = isFault ? faultText(listener) : endpointText(listener.local);
    recorder.call(number, `${listenText(target)} = ${result}`);
    return isFault ? listener : new RecordedListener(listener, recorder, number);
  }

  holdings(): Holdings {
    const holdings = this.#stack.holdings();
    if (this.#recorder.isVerbose) this.#recorder.call(STACK_NUMBER, `holdings = ${holdingsText(holdings)}`);
    return holdings;
  }

  close(): Promise<void> {
    this.#recorder.call(STACK_NUMBER, 'close');
    return this.#stack.close();
  }
}

function holdingsText(holdings: Holdings): string {
  return Object.entries(holdings)
    .map(([what, count]) => `${what}=${String(count)}`)
    .join(' ');
}

/** The calls of the timers. A timer that is due calls its owner, past the recording. */
class RecordedTimers implements Timers {
  readonly #timers: Timers;
  readonly #recorder: Recorder;

  constructor(timers: Timers, recorder: Recorder) {
    this.#timers = timers;
    this.#recorder = recorder;
  }

  arm(timer: Timer, atMs: number): void {
    this.#recorder.call(STACK_NUMBER, `arm ${atMs.toFixed(3)}`);
    this.#timers.arm(timer, atMs);
  }

  armBy(timer: Timer, atMs: number): void {
    this.#recorder.call(STACK_NUMBER, `armBy ${atMs.toFixed(3)}`);
    this.#timers.armBy(timer, atMs);
  }

  disarm(timer: Timer): void {
    this.#recorder.call(STACK_NUMBER, 'disarm');
    this.#timers.disarm(timer);
  }
}
