/**
 * Records every callback of a client, in order, and checks the rules that always hold: contract L1 and L2.
 */
import type { AsyncClient, ConnectOptions, DisconnectReason, ErrorCode } from 'asynctcp';
import { expect } from './expect.js';

/** Number of library methods that are running. A callback from inside one breaks L1. */
let calling = 0;
let inCallback = false;

/** Runs a function that calls library methods. Any callback before it returns makes the case fail. */
export function calls<T>(methods: () => T): T {
  calling += 1;
  try {
    return methods();
  } finally {
    calling -= 1;
  }
}

/** Bytes that become text at once: one by one they would cost a string each. */
const TEXT_BYTES = 4096;

export class History {
  readonly client: AsyncClient;
  readonly events: string[] = [];
  /** The received bytes, as Latin-1 text. */
  received = '';
  /** Sum of the bytes of all `onAck`. */
  acked = 0;
  /** `onDisconnect` has come, and no new life has begun. */
  over = false;
  /** The reason that `onDisconnect` reported. */
  reason: DisconnectReason | undefined;
  code: ErrorCode | undefined;
  /** The `heardAgoMs` of the last `onTimeout`. */
  heardAgoMs: number | undefined;
  /** Runs in every callback, after it was recorded. */
  onEvent: (event: string) => void = () => undefined;

  constructor(client: AsyncClient) {
    this.client = client;
    client.onConnect(() => this.#happened('connect'));
    client.onDisconnect((_, reason, code) => {
      this.reason = reason;
      this.code = code;
      this.#happened('disconnect');
    });
    client.onError((_, code) => this.#happened(`error ${code}`));
    client.onData((_, data) => {
      for (let at = 0; at < data.length; at += TEXT_BYTES) {
        this.received += String.fromCharCode(...data.subarray(at, at + TEXT_BYTES));
      }
      this.#happened('data');
    });
    client.onAck((_, bytes) => {
      this.acked += bytes;
      this.#happened('ack');
    });
    client.onTimeout((_, timeMs, heardAgoMs) => {
      this.heardAgoMs = heardAgoMs;
      this.#happened(`timeout ${timeMs}`);
    });
    client.onPoll(() => this.#happened('poll'));
    client.onEnd(() => this.#happened('end'));
  }

  /** Begins a life of a client that no server made. */
  connect(host: string, port: number, options?: ConnectOptions): boolean {
    const began = this.client.connect(host, port, options);
    if (began) this.over = false;
    return began;
  }

  #happened(event: string): void {
    expect(calling === 0, `no callback from inside a method (L1), not ${event}`);
    expect(!inCallback, `callbacks one at a time (L1), not ${event} inside another`);
    expect(!this.over, `nothing after onDisconnect (L2), not ${event}`);
    if (event === 'disconnect') this.over = true;
    this.events.push(event);
    inCallback = true;
    try {
      this.onEvent(event);
    } finally {
      inCallback = false;
    }
  }

  count(event: string): number {
    return this.events.filter((seen) => seen === event).length;
  }

  has(event: string): boolean {
    return this.events.includes(event);
  }

  /** The events without data, acknowledgements and polls. */
  get life(): string[] {
    return this.events.filter((event) => !['data', 'ack', 'poll'].includes(event));
  }
}
