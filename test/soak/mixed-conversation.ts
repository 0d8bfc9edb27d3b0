/** Both sides of one connection of `mixed-program.ts`, and the comparison of them. */
import { ErrorCode, type AsyncClient, type TcpStack } from 'asynctcp';
import { MixedClient, type Part } from './mixed-client.js';
import { SIDES, sizeOfServer, type Plan, type Side, type Size } from './mixed-plan.js';
import { hidesResets } from '../support/stacks.js';
import { headerOf, Stream, type Block } from './mixed-stream.js';

/** Counts over all connections. */
export interface Totals {
  connections: number;
  /** Connections by way and by other properties. */
  events: Record<string, number>;
  bytes: number;
  /** Transfers whose checksums were compared. */
  checksums: number;
  /** Times that flow control stopped a sender: no space, or the whole window withheld. */
  timesNoSpace: number;
  timesNoWindow: number;
}

/** State that all conversations share. */
export interface LoadContext {
  readonly stacks: Readonly<Record<Side, Readonly<Record<Size, TcpStack>>>>;
  readonly block: Block;
  readonly totals: Totals;
  reportViolation(text: string): void;
}

export function count(totals: Totals, event: string): void {
  totals.events[event] = (totals.events[event] ?? 0) + 1;
}

export class Conversation {
  readonly plan: Plan;
  /** Resolves when both sides are over. */
  readonly over: Promise<void>;
  readonly #context: LoadContext;
  readonly #streams: Readonly<Record<Side, Stream>>;
  readonly #ends: Partial<Record<Side, MixedClient>> = {};
  #resolve: () => void = () => undefined;

  constructor(context: LoadContext, plan: Plan) {
    this.plan = plan;
    this.#context = context;
    const { starts, bytes, number } = plan;
    this.#streams = {
      client: new Stream(context.block, starts.client, bytes.client, headerOf(number)),
      accepted: new Stream(context.block, starts.accepted, bytes.accepted),
    };
    this.over = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Makes `client` one side. `onOver` is called when that side is over. */
  join(client: AsyncClient, side: Side, onOver?: () => void): MixedClient {
    if (this.#ends[side] !== undefined) this.reportViolation(`${side}: joined a second time`);
    const size = side === 'client' ? this.plan.client : sizeOfServer(this.plan.server);
    const stack = this.#context.stacks[side][size];
    const part: Part = {
      plan: this.plan,
      stack,
      outgoing: this.#streams[side],
      incoming: this.#streams[side === 'client' ? 'accepted' : 'client'],
      hidesReset: () => hidesResets(stack) && this.#wasReset(side),
      reportViolation: (text) => this.reportViolation(text),
      onOver: () => {
        onOver?.();
        this.#ended();
      },
    };
    const end = new MixedClient(part, client, side);
    this.#ends[side] = end;
    return end;
  }

  reportViolation(text: string): void {
    this.#context.reportViolation(`connection ${this.plan.number}: ${text}\n${this.toString()}`);
  }

  toString(): string {
    const ends = SIDES.map((side) => `${side}: ${String(this.#ends[side] ?? 'not there')}`);
    return `${ends.join('\n')}\n${JSON.stringify(this.plan)}`;
  }

  /** Returns true if the other side has aborted. A side that is gone already has followed its plan. */
  #wasReset(side: Side): boolean {
    const other = side === 'client' ? 'accepted' : 'client';
    return this.#ends[other]?.aborted ?? this.plan.reset?.by === other;
  }

  #ended(): void {
    const { client, accepted } = this.#ends;
    if (client?.isOver === false || accepted?.isOver === false) return;
    // After a reset there may be no accepted side: the header was not read, or the connection not accepted.
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
    const { totals } = this.#context;
    for (const side of SIDES) {
      const end = this.#ends[side];
      if (end === undefined) continue;
      totals.bytes += end.got.bytes;
      totals.timesNoSpace += end.timesFull;
      totals.timesNoWindow += end.reading.timesFull;
      if (end.aborted) count(totals, `reset by ${side}`);
    }
  }

  /** Checks that errors are resets, and only at the side whose peer aborted. */
  #checkErrors(): void {
    const { client, accepted } = this.#ends;
    for (const [end, other] of [
      [client, accepted],
      [accepted, client],
    ]) {
      if (end?.error === undefined || end.aborted) continue;
      // A side without the other one was accepted after the other one had aborted.
      if (end.error !== ErrorCode.ERR_RST || other?.aborted === false)
        end.reportViolation('an error without a reason');
    }
  }

  #compare(from: MixedClient, to: MixedClient): void {
    const [sent, arrived] = [from.sent, to.got];
    if (arrived.bytes > sent.bytes) to.reportViolation(`${arrived.bytes} bytes of ${sent.bytes} sent (D1)`);
    if (from.error !== undefined || to.error !== undefined) return;
    this.#context.totals.checksums += 1;
    if (arrived.bytes === sent.bytes && arrived.checksum === sent.checksum) return;
    to.reportViolation(
      `checksum ${arrived.checksum} of ${sent.checksum}, ${arrived.bytes} of ${sent.bytes} bytes`,
    );
  }
}
