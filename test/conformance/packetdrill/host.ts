/** The stack under test in virtual time: what it sends is kept with the time of its sending. */
import type { TcpApi } from '#src/netstack/raw-api.js';
import { decodeSegment, type Segment } from './segment.js';

/** What the interpreter needs of a stack; see the driver's cycle at the head of raw-api.ts. */
export interface StackUnderTest {
  readonly tcp: TcpApi;
  receive(bytes: Uint8Array): void;
  advance(nowMs: number): void;
  nextDeadlineMs(): number;
  readonly hasWork: boolean;
  work(): void;
  flush(): void;
}

export interface SentSegment {
  readonly atMs: number;
  readonly segment: Segment;
}

/** Rounds without progress after which the stack is taken to run in circles. */
const MOST_ROUNDS = 10_000;

export class Host {
  readonly #stack: StackUnderTest;
  readonly #startMs: number;
  /** What was sent and not yet compared, the earliest first. */
  readonly sent: SentSegment[] = [];
  /** Milliseconds since the script began. */
  nowMs = 0;

  constructor(stack: StackUnderTest, startMs: number) {
    this.#stack = stack;
    this.#startMs = startMs;
  }

  get tcp(): TcpApi {
    return this.#stack.tcp;
  }

  /** Takes an IP packet that the stack sends. Those without TCP are left out. */
  noteSent(bytes: Uint8Array): void {
    const segment = decodeSegment(bytes);
    if (segment !== undefined) this.sent.push({ atMs: this.nowMs, segment });
  }

  receive(bytes: Uint8Array): void {
    this.#stack.receive(bytes);
    this.settle();
  }

  /** Has the stack do everything that is due at the present time. */
  settle(): void {
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      // Calls of the script ask for the state of a socket, which says all that its events say.
      for (let ready = this.tcp.takeReady(); ready !== undefined; ready = this.tcp.takeReady()) {
        if ('takeEvents' in ready) ready.takeEvents();
      }
      this.#stack.flush();
      if (this.#stack.hasWork) this.#stack.work();
      else if (!this.tcp.hasReady) return;
    }
    throw new Error('the stack finds no rest');
  }

  /**
   * Moves the time to the next timer that fires by `limitMs`, else to `limitMs`; returns false if none fires.
   */
  step(limitMs: number): boolean {
    const deadlineMs = this.#stack.nextDeadlineMs() - this.#startMs;
    const fires = deadlineMs <= limitMs;
    this.nowMs = Math.max(this.nowMs, Math.min(deadlineMs, limitMs));
    this.#stack.advance(this.#startMs + this.nowMs);
    this.settle();
    return fires;
  }
}
