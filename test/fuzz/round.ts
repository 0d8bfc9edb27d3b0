/**
 * One round of the fuzzer: some connections at once, of random kinds, for less than a second; then everything
 * ends and nothing may be left. The plans follow from the seed; the timing depends on the machine.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { AsyncClient, AsyncServer } from 'asynctcp';
import type { SystemStackOptions } from '#src/stacks/system/system-stack-options.js';
import { KernelStack } from '#src/stacks/kernel/kernel-stack.js';
import { requireAddon } from '../native/require-addon.js';
import { descriptorLinks } from '../support/descriptors.js';
import { Random } from '../support/random.js';
import { holdsWithin } from '../support/until.js';
import { RandomClient, ON_PURPOSE, type ClientPlan } from './random-client.js';
import { checkWhole, describeSide, type SideReport, type LinkPlan } from './link.js';
import { RoundContext } from './round-context.js';
import { SocketPeer } from './socket-peer.js';
import type { WorkerOrder } from './worker-program.js';
import { heldBy } from '../support/stacks.js';

const HOST = '127.0.0.1';
const MOST_LINKS = 10;
const MOST_BYTES = 2_097_152;
const LONGEST_MS = 700;
const GC_EVERY_MS = 40;
/** One round in this many has workers, because they take long to start. */
const WORKER_IN = 5;
/** Ends a round that hangs. No passing round waits this long. */
const PATIENCE_MS = 60_000;
const WORD = 2 ** 32;
/** Limits of the stack: the usual ones, or small ones, which are reached often. */
const LIMITS: readonly [SystemStackOptions, ...SystemStackOptions[]] = [
  {},
  { sendBufferBytes: 65_536, receiveWindowBytes: 16_384 },
];

const DETACHES = ['never', 'never', 'later', 'at any time'] as const;

export interface RoundResult {
  readonly violations: readonly string[];
  readonly links: number;
  readonly bytes: number;
  /** A program detached memory of received data. */
  readonly detachedMemory: boolean;
}

/** Returns a number of bytes: any number in one half of the calls, any order of magnitude in the other. */
function streamBytes(random: Random): number {
  return random.isOneIn(2) ? random.whole(0, MOST_BYTES) : random.size(MOST_BYTES);
}

function linkPlan(random: Random, number: number, hasWorkers: boolean): LinkPlan {
  const kinds = ['socket', 'socket', 'ours', hasWorkers ? 'worker' : 'ours'] as const;
  const peer = random.pick(kinds);
  const echoes = peer !== 'worker' && random.isOneIn(3);
  const streams = [2 * number, echoes ? 2 * number : 2 * number + 1] as const;
  return {
    number,
    peerStream: streams[0],
    ourStream: streams[1],
    ourBytes: streamBytes(random),
    peerBytes: streamBytes(random),
    echoes,
    connects: peer !== 'worker' && random.isOneIn(2),
    peer,
    seed: random.whole(0, WORD - 1),
    peerSeed: random.whole(0, WORD - 1),
  };
}

/** A connection: its two sides, as they appear, and the sockets that were opened for it. */
interface Link {
  readonly plan: LinkPlan;
  our: RandomClient | undefined;
  peer: SideReport | undefined;
  peerClient: RandomClient | undefined;
  socket: SocketPeer | undefined;
  worker: Worker | undefined;
  server: AsyncServer | Server | undefined;
}

/** Returns true if a side has not received all bytes that the other one has sent. */
function isUnderWay({ our, peer, peerClient }: Link): boolean {
  if (our === undefined || peer === undefined || our.isOver || peer.isOver) return false;
  const toUs = our.reads && our.got < peer.taken;
  const toPeer = peerClient?.reads !== false && peer.got < our.taken;
  return toUs || toPeer;
}

function describeLinks(links: readonly Link[]): string {
  return links.map(({ our, peer }) => `${describeSide(our)}\n  ${describeSide(peer)}`).join('\n');
}

export class Round {
  readonly #context = new RoundContext();
  readonly #random: Random;
  readonly #stack: KernelStack;
  readonly #detaches: ClientPlan['detaches'];
  readonly #links: Link[] = [];
  readonly #rawSockets = new Set<Socket>();
  readonly #clients: AsyncClient[] = [];

  constructor(seed: number) {
    const random = (this.#random = new Random(seed));
    this.#stack = new KernelStack(requireAddon(), random.pick(LIMITS));
    this.#detaches = random.pick(DETACHES);
  }

  /** @param isFirst does not count descriptors, because the runtime opens some at their first use. */
  async run(isFirst: boolean): Promise<RoundResult> {
    const random = this.#random;
    const before = isFirst ? undefined : descriptors();
    const hasWorkers = random.isOneIn(WORKER_IN);
    const count = random.whole(1, MOST_LINKS);
    for (let number = 0; number < count; number += 1) {
      this.#links.push({
        plan: linkPlan(random, number, hasWorkers),
        our: undefined,
        peer: undefined,
        peerClient: undefined,
        socket: undefined,
        worker: undefined,
        server: undefined,
      });
    }
    const lastsMs = random.whole(10, LONGEST_MS);
    for (const link of this.#links) await this.#open(link);
    await this.#letRun(lastsMs);
    await this.#arrive();
    await this.#endAll();
    await this.#quiet(before);
    for (const link of this.#links) this.#check(link);
    this.#context.checkCanaries();
    const { violations, hasDetached } = this.#context;
    const bytes = this.#links.reduce((sum, { our, peer }) => sum + (our?.got ?? 0) + (peer?.got ?? 0), 0);
    return { violations, links: this.#links.length, bytes, detachedMemory: hasDetached };
  }

  // ---- connections

  async #open(link: Link): Promise<void> {
    const { plan } = link;
    if (plan.peer === 'socket' && plan.connects) return this.#connectToSocket(link);
    const server = new AsyncServer(0, { address: HOST, stack: this.#stack });
    link.server = server;
    server.onClient((client) => {
      link.our = this.#end(link, client, true);
      link.our.begin();
    });
    await server.begin();
    const port = server.port();
    if (plan.peer === 'socket') {
      const socket = connect({ host: HOST, port, allowHalfOpen: true });
      this.#watch(socket);
      socket.on('connect', () => this.#socketPeer(link, socket));
    } else if (plan.peer === 'ours') {
      link.peerClient = link.peer = this.#connect(link, port, false);
    } else {
      this.#startWorker(link, port);
    }
  }

  async #connectToSocket(link: Link): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#watch(socket);
      this.#socketPeer(link, socket);
    });
    link.server = server;
    server.listen(0, HOST);
    await once(server, 'listening');
    link.our = this.#connect(link, (server.address() as AddressInfo).port, true);
  }

  #watch(socket: Socket): void {
    this.#rawSockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#rawSockets.delete(socket));
  }

  #socketPeer(link: Link, socket: Socket): void {
    const otherResets = (): boolean => this.#context.hasDetached || link.our?.mayReset !== false;
    link.peer = link.socket = new SocketPeer(this.#context, socket, link.plan, otherResets);
  }

  #connect(link: Link, port: number, isOurs: boolean): RandomClient {
    const client = new AsyncClient({ stack: this.#stack });
    this.#clients.push(client);
    const end = this.#end(link, client, isOurs);
    client.onConnect(() => end.begin());
    client.connect(HOST, port);
    return end;
  }

  #end(link: Link, client: AsyncClient, isOurs: boolean): RandomClient {
    const { plan } = link;
    const clientPlan: ClientPlan = {
      number: plan.number,
      side: isOurs ? 'our end' : 'our peer',
      outgoing: isOurs ? plan.ourStream : plan.peerStream,
      outgoingBytes: isOurs ? plan.ourBytes : plan.peerBytes,
      incoming: isOurs ? plan.peerStream : plan.ourStream,
      echoes: isOurs && plan.echoes,
      seed: isOurs ? plan.seed : plan.peerSeed,
      detaches: this.#detaches,
      endsWhole: false,
    };
    const end = new RandomClient(this.#context, client, clientPlan);
    end.otherResets = () => {
      const other = isOurs ? link.peer : link.our;
      return this.#context.hasDetached || other?.mayReset !== false;
    };
    return end;
  }

  #startWorker(link: Link, port: number): void {
    const { plan } = link;
    const endsItself = this.#random.whole(0, 2);
    const order: WorkerOrder = {
      port,
      afterMs: this.#random.whole(0, LONGEST_MS),
      ending: endsItself === 0 ? 'exit' : endsItself === 1 ? 'natural' : 'terminated',
      plan: {
        number: plan.number,
        side: 'a worker',
        outgoing: plan.peerStream,
        outgoingBytes: plan.peerBytes,
        incoming: plan.ourStream,
        echoes: false,
        seed: plan.peerSeed,
        detaches: this.#detaches,
        endsWhole: true,
      },
    };
    const worker = new Worker(new URL('worker-program.js', import.meta.url), { workerData: order });
    link.worker = worker;
    worker.on('message', (text: unknown) => this.#context.report(String(text)));
    worker.on('error', (error) => {
      if (error.message !== ON_PURPOSE) this.#context.report(`a worker failed: ${String(error)}`);
    });
    worker.on('exit', () => (link.worker = undefined));
    if (order.ending === 'terminated') setTimeout(() => void worker.terminate(), order.afterMs).unref();
  }

  // ---- time

  async #letRun(ms: number): Promise<void> {
    const endMs = performance.now() + ms;
    while (performance.now() < endMs && this.#links.some(({ our }) => our?.isOver !== true)) {
      await new Promise((resolve) => setTimeout(resolve, GC_EVERY_MS));
      if (this.#random.isOneIn(2)) globalThis.gc?.();
    }
  }

  /** Makes all sides only read, and waits until everything on the way has arrived. */
  async #arrive(): Promise<void> {
    for (const { our, peerClient, socket } of this.#links) {
      our?.onlyRead();
      peerClient?.onlyRead();
      socket?.onlyRead();
    }
    const stuck = (): Link[] => this.#links.filter(isUnderWay);
    if (await holdsWithin(PATIENCE_MS, () => stuck().length === 0)) return;
    this.#context.report(`stuck: ${describeLinks(stuck())}`);
  }

  async #endAll(): Promise<void> {
    for (const { worker } of this.#links) await worker?.terminate();
    for (const { our, peerClient, socket } of this.#links) {
      our?.finish();
      peerClient?.finish();
      socket?.finish();
    }
    for (const client of this.#clients) client.abort();
    for (const socket of this.#rawSockets) socket.destroy();
    for (const { server } of this.#links) {
      if (server instanceof AsyncServer) await server.end({ clients: 'abort' });
      else server?.close();
    }
  }

  /** Counts what is left of the round: of the stack, of its loop's sockets and timers, of the peers. */
  #held(): readonly number[] {
    const { loop } = this.#stack;
    return [heldBy(this.#stack), loop.sockets, loop.timers.size, this.#rawSockets.size];
  }

  /** Waits until nothing of the round is left. */
  async #quiet(before: Descriptors | undefined): Promise<void> {
    const isQuiet = (): boolean => {
      const areOver = this.#links.every(({ our, worker }) => our?.isOver !== false && worker === undefined);
      const isEmpty = this.#held().every((count) => count === 0);
      return areOver && isEmpty && (before === undefined || !hasMore(descriptors(), before));
    };
    if (await holdsWithin(PATIENCE_MS, isQuiet)) return;
    const counts = JSON.stringify([before, descriptors()]);
    const ends = describeLinks(this.#links);
    this.#context.report(`left: ${this.#held().join()}; ${ends} descriptors before and now: ${counts}`);
  }

  // ---- checks

  #check({ plan, our, peer }: Link): void {
    if (our === undefined) return;
    const context = this.#context;
    if (plan.peer === 'worker') checkWhole(context, plan.peerBytes, our);
    if (peer === undefined) return;
    checkWhole(context, our, peer);
    checkWhole(context, peer, our);
  }
}

interface Descriptors {
  socket: number;
  anon_inode: number;
  '/dev/null': number;
}

function hasMore(now: Descriptors, before: Descriptors): boolean {
  const { socket, anon_inode: inode, '/dev/null': nothing } = before;
  return now.socket > socket || now.anon_inode > inode || now['/dev/null'] > nothing;
}

/**
 * Counts the descriptors of sockets, of epoll, timers and events, and of the null device. Others belong to
 * the runtime: a worker that is terminated while it loads modules leaves files open.
 */
function descriptors(): Descriptors {
  const counts = { socket: 0, anon_inode: 0, '/dev/null': 0 };
  for (const link of descriptorLinks()) {
    const kind = link.replace(/:.*/, '');
    if (kind === 'socket' || kind === 'anon_inode' || kind === '/dev/null') counts[kind] += 1;
  }
  return counts;
}
