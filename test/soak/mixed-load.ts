/**
 * The load of `mixed-program.ts`: servers, and clients at the same time, each of which opens one connection
 * after the other.
 */
import { AsyncClient, AsyncServer, ErrorCode } from 'asynctcp';
import { Conversation, count, type LoadContext } from './mixed-conversation.js';
import { UNUSED_ADDRESS } from '../support/unused.js';
import { lastPlan, planOf, SERVERS, sizeOfServer, type Plan, type Size } from './mixed-plan.js';
import { HEADER_BYTES, numberIn } from './mixed-stream.js';

/**
 * Several, so that enough ports are left while those of the last run are in TIME_WAIT. The first one has a
 * name.
 */
const ADDRESSES = Array.from({ length: SERVERS }, (_, index) => `127.0.0.${index + 1}`);
const NAME = 'localhost';
const CONNECT_TIMEOUT_MS = 30_000;
/** Connections that a failure lists. */
const MOST_SHOWN = 10;

export class Load {
  readonly #context: LoadContext;
  readonly #seed: number;
  readonly #servers: readonly AsyncServer[];
  /** Never aborted. Every connection listens to it for a while: no listener may be left at the end. */
  readonly #signal: AbortSignal;
  readonly #open = new Map<number, Conversation>();
  /** Attempts that are refused or given up. */
  readonly #alone = new Set<Plan>();
  #next = 0;
  /** Accepted connections that are not over. */
  #accepted = 0;
  /** Accepted connections that ended before their header arrived. */
  #unknown = 0;

  constructor(context: LoadContext, seed: number, signal: AbortSignal) {
    this.#context = context;
    this.#seed = seed;
    this.#signal = signal;
    this.#servers = ADDRESSES.map((address, server) => {
      return new AsyncServer(address, 0, { stack: context.stacks.accepted[sizeOfServer(server)] });
    });
  }

  async begin(): Promise<void> {
    for (const server of this.#servers) {
      server.onClient((client) => this.#accept(client));
      await server.begin();
    }
  }

  async end(): Promise<void> {
    for (const server of this.#servers) await server.end();
  }

  /** Keeps `clients` clients busy until `endsAtMs`. Resolves when all connections are over. */
  async run(clients: number, endsAtMs: number): Promise<void> {
    await Promise.all(Array.from({ length: clients }, () => this.#work(endsAtMs)));
    // Cancelled clients may still wait in the accept queues; a last client behind them makes sure they are
    // accepted.
    for (const server of this.#servers.keys()) {
      const plan = lastPlan(this.#seed, this.#next, server);
      this.#next += 1;
      await this.#run(plan, this.#client(plan.client));
    }
    const { events } = this.#context.totals;
    const excused = (events['given up'] ?? 0) + (events['reset by client'] ?? 0);
    if (this.#unknown > excused) this.#context.reportViolation(`${this.#unknown} connections sent no header`);
  }

  get isBusy(): boolean {
    return this.#accepted > 0 || this.#open.size > 0;
  }

  /** Lists the open connections, for the message of a failure. */
  toString(): string {
    const alone = [...this.#alone].map((plan) => JSON.stringify(plan));
    const open = [...alone, ...[...this.#open.values()].map((conversation) => conversation.toString())];
    return [`${this.#accepted} accepted, ${open.length} under way`, ...open.slice(0, MOST_SHOWN)].join('\n');
  }

  #client(size: Size): AsyncClient {
    return new AsyncClient({ stack: this.#context.stacks.client[size] });
  }

  async #work(endsAtMs: number): Promise<void> {
    let last: { readonly client: AsyncClient; readonly size: Size } | undefined;
    while (performance.now() < endsAtMs) {
      const plan = planOf(this.#seed, this.#next);
      this.#next += 1;
      const isFit = plan.reuses && last?.size === plan.client;
      last = isFit && last !== undefined ? last : { client: this.#client(plan.client), size: plan.client };
      await this.#run(plan, last.client);
    }
  }

  async #run(plan: Plan, client: AsyncClient): Promise<void> {
    const { totals } = this.#context;
    totals.connections += 1;
    count(totals, plan.way);
    if (plan.host === 'name') count(totals, 'by name');
    if (plan.way === 'refused' || plan.way === 'given up') await this.#runUnanswered(plan, client);
    else await this.#converse(plan, client);
  }

  #connect(plan: Plan, client: AsyncClient, signal: AbortSignal): void {
    const server = this.#servers[plan.server];
    if (server === undefined) throw new Error('there are servers');
    const hosts = { name: NAME, address: server.address(), nobody: UNUSED_ADDRESS };
    const options = { timeoutMs: CONNECT_TIMEOUT_MS, signal };
    if (client.connect(hosts[plan.host], server.port(), options)) return;
    this.#context.reportViolation(`connection ${plan.number}: connect answered false`);
  }

  async #converse(plan: Plan, client: AsyncClient): Promise<void> {
    const conversation = new Conversation(this.#context, plan);
    this.#open.set(plan.number, conversation);
    conversation.join(client, 'client');
    this.#connect(plan, client, this.#signal);
    await conversation.over;
    this.#open.delete(plan.number);
  }

  // ---- attempts that are refused or given up

  async #runUnanswered(plan: Plan, client: AsyncClient): Promise<void> {
    const callbacks: string[] = [];
    const isRefused = plan.way === 'refused';
    client.onData(undefined);
    client.onPacket(undefined);
    client.onAck(undefined);
    client.onEnd(undefined);
    client.onPoll(undefined);
    client.onTimeout(undefined);
    client.onConnect(() => callbacks.push('connect'));
    client.onError((_, error) => callbacks.push(`error ${error}`));
    const over = new Promise<void>((resolve) => {
      client.onDisconnect(() => {
        callbacks.push('disconnect');
        resolve();
      });
    });
    const controller = new AbortController();
    this.#alone.add(plan);
    this.#connect(plan, client, isRefused ? this.#signal : controller.signal);
    const timer = isRefused ? undefined : giveUp(plan, client, controller);
    await over;
    clearTimeout(timer);
    this.#alone.delete(plan);
    client.onDisconnect(() =>
      this.#context.reportViolation(`connection ${plan.number}: a second onDisconnect (L2)`),
    );
    const story = callbacks.join(' ');
    if (expectedCallbacks(plan).includes(story)) return;
    this.#context.reportViolation(`connection ${plan.number}: ${story} — ${JSON.stringify(plan)}`);
  }

  // ---- accepted connections

  /** Waits for the header, which names the conversation that the connection belongs to. */
  #accept(client: AsyncClient): void {
    this.#accepted += 1;
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    client.onData((_, piece) => {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes >= HEADER_BYTES) this.#recognize(client, pieces);
    });
    client.onError((_, error) => {
      if (error !== ErrorCode.ERR_RST) this.#context.reportViolation(`error ${error} before the header`);
    });
    client.onDisconnect(() => {
      this.#unknown += 1;
      this.#accepted -= 1;
    });
  }

  #recognize(client: AsyncClient, pieces: readonly Uint8Array[]): void {
    const number = numberIn(Buffer.concat(pieces, HEADER_BYTES));
    let conversation = this.#open.get(number);
    if (conversation === undefined) {
      const plan = planOf(this.#seed, number);
      conversation = new Conversation(this.#context, plan);
      // The client is over already: it sent the header and a reset.
      if (plan.reset?.by !== 'client') conversation.reportViolation('came when it was over');
    }
    const end = conversation.join(client, 'accepted', () => (this.#accepted -= 1));
    end.begin();
    for (const piece of pieces) if (!end.aborted) end.arrived(piece);
  }
}

function giveUp(plan: Plan, client: AsyncClient, controller: AbortController): NodeJS.Timeout | undefined {
  const { by, afterMs } = plan.givingUp;
  const now = (): void => {
    if (by === 'abort') client.abort();
    // The signal has no effect after the attempt.
    else if (by === 'close' || client.connected()) client.close();
    else controller.abort();
  };
  if (afterMs > 0) return setTimeout(now, afterMs);
  now();
  return undefined;
}

/** Returns the allowed sequences of callbacks. */
function expectedCallbacks(plan: Plan): string[] {
  const refused = `error ${ErrorCode.ERR_RST} disconnect`;
  if (plan.way === 'refused') return [refused];
  const { by, afterMs } = plan.givingUp;
  const gaveUp = by === 'close' ? 'disconnect' : `error ${ErrorCode.ERR_ABRT} disconnect`;
  if (afterMs === 0) return [gaveUp];
  if (plan.host === 'nobody') return [gaveUp, refused];
  const late = by === 'abort' ? gaveUp : 'disconnect';
  return [gaveUp, `connect ${late}`];
}
