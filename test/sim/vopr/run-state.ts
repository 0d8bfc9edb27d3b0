/** What the parts of one run share. */
import type { Host } from '#src/sim/host.js';
import type { Network } from '#src/sim/network.js';
import type { Log } from '../../contract/checked-client.js';
import { ExpectationFailure } from '../../contract/expect.js';
import type { Census } from './census.js';
import type { IncomingStream, OutgoingStream, StreamBook } from './streams.js';

/** One end of a connection. */
export interface Actor {
  readonly life: Life;
  readonly outgoing: OutgoingStream;
  readonly incoming: IncomingStream;
  readonly isConnected: boolean;
  /** Closes the connection, whatever the script says. */
  endNow(): void;
  /** The host has crashed. */
  crashed(): void;
  /** Returns the state, for messages. */
  describe(): string;
}

export class RunState {
  readonly network: Network;
  readonly census: Census;
  readonly book: StreamBook;
  /** True: nothing happens that ends connections. */
  readonly isMild: boolean;
  /** Bytes of one stream at most. */
  readonly sizeBytes: number;
  /** Ends of connections that are not over. */
  readonly actors = new Set<Actor>();
  /** True once the faults are over: no program begins a connection. */
  isCalm = false;
  /** True once nothing is left that ends a connection before its time. */
  isSafe = false;
  readonly log: Log;

  constructor(
    network: Network,
    census: Census,
    settings: { readonly book: StreamBook; readonly isMild: boolean; readonly sizeBytes: number },
  ) {
    this.network = network;
    this.census = census;
    this.book = settings.book;
    this.isMild = settings.isMild;
    this.sizeBytes = settings.sizeBytes;
    this.log = {
      spaces: 0,
      errors: 0,
      thrown: 0,
      running: undefined,
      ending: undefined,
      failure: undefined,
    };
  }

  /** Notes a violation, the first one of which fails the run. */
  fail(where: string, error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    this.log.failure ??= new ExpectationFailure(`${where} at ${this.network.nowMs} ms: ${text}`);
  }

  /** Runs `what`, whose exception is a violation. */
  guard(where: string, what: () => void): void {
    try {
      what();
    } catch (error) {
      this.fail(where, error);
    }
  }
}

/** One boot of a host: its programs' jobs end with it. */
export class Life {
  readonly host: Host;
  readonly run: RunState;
  isOver = false;

  constructor(run: RunState, host: Host) {
    this.run = run;
    this.host = host;
  }

  /** Runs `job` after a time, unless the host has crashed. */
  later(ms: number, job: () => void): void {
    const { network } = this.run;
    network.at(network.nowMs + ms, () => {
      if (!this.isOver) this.run.guard(this.host.name, job);
    });
  }
}
