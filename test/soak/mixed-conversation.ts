/** One connection of `mixed-program.ts` as both of its ends see it, and the comparison of the two. */
import { ErrorCode, type AsyncClient, type TcpStack } from 'asynctcp';
import { End, type Part } from './mixed-client.js';
import { SIDES, sizeOfServer, type Plan, type Side, type Size } from './mixed-plan.js';
import { hidesResets } from '../support/stacks.js';
import { headerOf, Stream, type Block } from './mixed-stream.js';

/** What happened, all connections together. */
export interface Totals {
  connections: number;
  /** By way, and by what else is of interest. */
  events: Record<string, number>;
  bytes: number;
  /** Transfers whose checksum was the same at both ends. */
  checksums: number;
  /** How often flow control held somebody back: no space to add, the whole window withheld. */
  timesNoSpace: number;
  timesNoWindow: number;
}

/** What all conversations have in common. */
export interface Scene {
  readonly stacks: Readonly<Record<Side, Readonly<Record<Size, TcpStack>>>>;
  readonly block: Block;
  readonly totals: Totals;
  fault(text: string): void;
}

export function count(totals: Totals, event: string): void {
  totals.events[event] = (totals.events[event] ?? 0) + 1;
}

export class Conversation {
  readonly plan: Plan;
  /** When both ends are over. */
  readonly over: Promise<void>;
  readonly #scene: Scene;
  readonly #streams: Readonly<Record<Side, Stream>>;
  readonly #ends: Partial<Record<Side, End>> = {};
  #resolve: () => void = () => undefined;

  constructor(scene: Scene, plan: Plan) {
    this.plan = plan;
    this.#scene = scene;
    const { starts, bytes, number } = plan;
    this.#streams = {
      client: new Stream(scene.block, starts.client, bytes.client, headerOf(number)),
      accepted: new Stream(scene.block, starts.accepted, bytes.accepted),
    };
    this.over = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Makes `client` one end of it; `onOver` is called when that end is over. */
  join(client: AsyncClient, side: Side, onOver?: () => void): End {
    if (this.#ends[side] !== undefined) this.fault(`${side}: joined a second time`);
    const size = side === 'client' ? this.plan.client : sizeOfServer(this.plan.server);
    const stack = this.#scene.stacks[side][size];
    const part: Part = {
      plan: this.plan,
      stack,
      outgoing: this.#streams[side],
      incoming: this.#streams[side === 'client' ? 'accepted' : 'client'],
      hidesReset: () => hidesResets(stack) && this.#wasReset(side),
      fault: (text) => this.fault(text),
      onOver: () => {
        onOver?.();
        this.#ended();
      },
    };
    const end = new End(part, client, side);
    this.#ends[side] = end;
    return end;
  }

  fault(text: string): void {
    this.#scene.fault(`connection ${this.plan.number}: ${text}\n${this.toString()}`);
  }

  toString(): string {
    const ends = SIDES.map((side) => `${side}: ${String(this.#ends[side] ?? 'not there')}`);
    return `${ends.join('\n')}\n${JSON.stringify(this.plan)}`;
  }

  /** Whether the other end has aborted. One that is not there any more came to its plan's end. */
  #wasReset(side: Side): boolean {
    const other = side === 'client' ? 'accepted' : 'client';
    return this.#ends[other]?.aborted ?? this.plan.reset?.by === other;
  }

  #ended(): void {
    const { client, accepted } = this.#ends;
    if (client?.isOver === false || accepted?.isOver === false) return;
    // A reset may come before the header was read, or before the connection was accepted.
    if (accepted === undefined && client?.aborted !== true) return;
    this.#tally();
    this.#checkErrors();
    if (client !== undefined && accepted !== undefined) {
      this.#compare(client, accepted);
      this.#compare(accepted, client);
    }
    this.#resolve();
  }

  #tally(): void {
    const { totals } = this.#scene;
    for (const side of SIDES) {
      const end = this.#ends[side];
      if (end === undefined) continue;
      totals.bytes += end.got.bytes;
      totals.timesNoSpace += end.timesFull;
      totals.timesNoWindow += end.reading.timesFull;
      if (end.aborted) count(totals, `reset by ${side}`);
    }
  }

  /** A reset is heard of where the other end aborted, and nowhere else. */
  #checkErrors(): void {
    const { client, accepted } = this.#ends;
    for (const [end, other] of [
      [client, accepted],
      [accepted, client],
    ]) {
      if (end?.error === undefined || end.aborted) continue;
      // An end that came alone came late: the other one has aborted.
      if (end.error !== ErrorCode.ERR_RST || other?.aborted === false) end.fault('an error without a reason');
    }
  }

  #compare(from: End, to: End): void {
    const [sent, arrived] = [from.sent, to.got];
    if (arrived.bytes > sent.bytes) to.fault(`${arrived.bytes} bytes of ${sent.bytes} sent (D1)`);
    if (from.error !== undefined || to.error !== undefined) return;
    this.#scene.totals.checksums += 1;
    if (arrived.bytes === sent.bytes && arrived.checksum === sent.checksum) return;
    to.fault(`checksum ${arrived.checksum} of ${sent.checksum}, ${arrived.bytes} of ${sent.bytes} bytes`);
  }
}
