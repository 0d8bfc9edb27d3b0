// What a contestant of `--virtual` does: both ends of connections, in one thread.

/** Bytes of a message. */
export const MESSAGE_BYTES = 64;
export const MESSAGE = new Uint8Array(MESSAGE_BYTES).fill(0x61);
export const CHUNK = new Uint8Array(65_536).fill(0x62);

export interface Contestant {
  /** Opens connections, and returns a batch: it sends messages over all of them and back, `count` in all. */
  echo(connections: number): Promise<Batch>;
  /** Opens a connection, and returns a batch: it sends `count` bytes. */
  bulk(): Promise<Batch>;
  /** Returns a batch: it opens and closes `count` connections, one after the other. */
  connectClose(): Promise<Batch>;
  /** Opens connections, which stay idle; `undefined`: not measured. */
  readonly idle?: (connections: number) => Promise<void>;
}

export interface Batch {
  /** Does a number of things. */
  readonly run: (count: number) => Promise<void>;
  /** Clears up after a batch; its time does not count. */
  readonly rest?: () => Promise<void>;
}

/** Counts what is done, and resolves a promise after the last. */
export class Countdown {
  #left = 0;
  #resolve: () => void = () => undefined;
  over: Promise<void> = Promise.resolve();

  begin(count: number): void {
    this.#left = count;
    this.over = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get isOver(): boolean {
    return this.#left <= 0;
  }

  /** Notes some; the first call after the last one has no effect. */
  done(count = 1): void {
    if (this.#left <= 0) return;
    this.#left -= count;
    if (this.#left <= 0) this.#resolve();
  }
}
