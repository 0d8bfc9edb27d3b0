/**
 * The load of `mixed-program.ts`: servers, and so many clients at once that connect to them, one connection
 * after the other.
 */
import { AsyncClient, AsyncServer, ErrorCode } from 'asynctcp';
import { Conversation, count, type Scene } from './mixed-conversation.js';
import { lastPlan, planOf, SERVERS, sizeOfServer, type Plan, type Size } from './mixed-plan.js';
import { HEADER_BYTES, numberIn } from './mixed-stream.js';

/** Several, so that the TIME_WAIT of one run leaves ports to the next. The first one has a name. */
const ADDRESSES = Array.from({ length: SERVERS }, (_, index) => `127.0.0.${index + 1}`);
const NAME = 'localhost';
/** Nobody listens on the servers' ports there. */
const NOBODYS_ADDRESS = '127.0.0.9';
const CONNECT_TIMEOUT_MS = 30_000;
/** Of the connections that do not end. */
const MOST_TOLD = 10;

export class Load {
  readonly #scene: Scene;
  readonly #seed: number;
  readonly #servers: readonly AsyncServer[];
  /** Lives as long as the program, and is never aborted: every connection listens to it for a while. */
  readonly #signal: AbortSignal;
  readonly #open = new Map<number, Conversation>();
  /** Connections that nobody answers. */
  readonly #alone = new Set<Plan>();
  #next = 0;
  /** Accepted and not over; and those that ended before it was known who they are. */
  #accepted = 0;
  #unknown = 0;

  constructor(scene: Scene, seed: number, signal: AbortSignal) {
    this.#scene = scene;
    this.#seed = seed;
    this.#signal = signal;
    this.#servers = ADDRESSES.map((address, server) => {
      return new AsyncServer(address, 0, { stack: scene.stacks.accepted[sizeOfServer(server)] });
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

  /** Keeps so many clients busy until it is `endsAtMs`, and resolves when all connections are over. */
  async run(clients: number, endsAtMs: number): Promise<void> {
    await Promise.all(Array.from({ length: clients }, () => this.#work(endsAtMs)));
    // Who was given up may still wait to be accepted: before whoever comes last.
    for (const server of this.#servers.keys()) {
      const plan = lastPlan(this.#seed, this.#next, server);
      this.#next += 1;
      await this.#play(plan, this.#client(plan.client));
    }
    const { events } = this.#scene.totals;
    const excused = (events['given up'] ?? 0) + (events['reset by client'] ?? 0);
    if (this.#unknown > excused) this.#scene.fault(`${this.#unknown} connections sent no header`);
  }

  get isBusy(): boolean {
    return this.#accepted > 0 || this.#open.size > 0;
  }

  /** Who is still there, for whoever waits in vain. */
  toString(): string {
    const alone = [...this.#alone].map((plan) => JSON.stringify(plan));
    const open = [...alone, ...[...this.#open.values()].map((conversation) => conversation.toString())];
    return [`${this.#accepted} accepted, ${open.length} under way`, ...open.slice(0, MOST_TOLD)].join('\n');
  }

  #client(size: Size): AsyncClient {
    return new AsyncClient({ stack: this.#scene.stacks.client[size] });
  }

  async #work(endsAtMs: number): Promise<void> {
    let last: { readonly client: AsyncClient; readonly size: Size } | undefined;
    while (performance.now() < endsAtMs) {
      const plan = planOf(this.#seed, this.#next);
      this.#next += 1;
      const isFit = plan.reuses && last?.size === plan.client;
      last = isFit && last !== undefined ? last : { client: this.#client(plan.client), size: plan.client };
      await this.#play(plan, last.client);
    }
  }

  async #play(plan: Plan, client: AsyncClient): Promise<void> {
    const { totals } = this.#scene;
    totals.connections += 1;
    count(totals, plan.way);
    if (plan.host === 'name') count(totals, 'by name');
    if (plan.way === 'refused' || plan.way === 'given up') await this.#playAlone(plan, client);
    else await this.#converse(plan, client);
  }

  #connect(plan: Plan, client: AsyncClient, signal: AbortSignal): void {
    const server = this.#servers[plan.server];
    if (server === undefined) throw new Error('there are servers');
    const hosts = { name: NAME, address: server.address(), nobody: NOBODYS_ADDRESS };
    const options = { timeoutMs: CONNECT_TIMEOUT_MS, signal };
    if (client.connect(hosts[plan.host], server.port(), options)) return;
    this.#scene.fault(`connection ${plan.number}: connect answered false`);
  }

  async #converse(plan: Plan, client: AsyncClient): Promise<void> {
    const conversation = new Conversation(this.#scene, plan);
    this.#open.set(plan.number, conversation);
    conversation.join(client, 'client');
    this.#connect(plan, client, this.#signal);
    await conversation.over;
    this.#open.delete(plan.number);
  }

  // ---- connections that nobody answers

  async #playAlone(plan: Plan, client: AsyncClient): Promise<void> {
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
    client.onDisconnect(() => this.#scene.fault(`connection ${plan.number}: a second onDisconnect (L2)`));
    const story = callbacks.join(' ');
    if (storiesOf(plan).includes(story)) return;
    this.#scene.fault(`connection ${plan.number}: ${story} — ${JSON.stringify(plan)}`);
  }

  // ---- what the servers accept

  /** Until its header is there nobody knows which conversation it belongs to. */
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
      if (error !== ErrorCode.ERR_RST) this.#scene.fault(`error ${error} before the header`);
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
      conversation = new Conversation(this.#scene, plan);
      // Its client sent the header and a reset, and is over.
      if (plan.reset?.by !== 'client') conversation.fault('came when it was over');
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
    // The signal concerns the attempt alone.
    else if (by === 'close' || client.connected()) client.close();
    else controller.abort();
  };
  if (afterMs > 0) return setTimeout(now, afterMs);
  now();
  return undefined;
}

/** Which callbacks may come, in this order. */
function storiesOf(plan: Plan): string[] {
  const refused = `error ${ErrorCode.ERR_RST} disconnect`;
  if (plan.way === 'refused') return [refused];
  const { by, afterMs } = plan.givingUp;
  const gaveUp = by === 'close' ? 'disconnect' : `error ${ErrorCode.ERR_ABRT} disconnect`;
  if (afterMs === 0) return [gaveUp];
  if (plan.host === 'nobody') return [gaveUp, refused];
  const late = by === 'abort' ? gaveUp : 'disconnect';
  return [gaveUp, `connect ${late}`];
}
