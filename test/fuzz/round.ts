/**
 * One round of the fuzzer: some connections at once, each of its own kind, for a moment; then everything ends
 * and nothing may be left. The seed tells all plans; when what happens is the machine's affair.
 */
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { AsyncClient, AsyncServer } from 'asynctcp';
import type { SystemStackOptions } from '#src/stacks/system/system-stack-options.js';
import { KernelStack } from '#src/stacks/kernel/kernel-stack.js';
import { requireAddon } from '../native/require-addon.js';
import { Random } from '../support/random.js';
import { Actor, ON_PURPOSE, type ActorPlan } from './random-client.js';
import { checkWhole, describeEnd, type EndReport, type LinkPlan } from './link.js';
import { Scene } from './round-context.js';
import { SocketPeer } from './socket-peer.js';
import type { WorkerOrder } from './worker-program.js';

const HOST = '127.0.0.1';
const MOST_LINKS = 10;
const MOST_BYTES = 2_097_152;
const LONGEST_MS = 700;
const GC_EVERY_MS = 40;
/** Of so many rounds one has a worker: to start one takes long. */
const WORKER_IN = 5;
/** Nothing that is sound takes so long. */
const PATIENCE_MS = 60_000;
const WORD = 2 ** 32;
/** Small ones are reached again and again. */
const LIMITS: readonly SystemStackOptions[] = [{}, { sendBufferBytes: 65_536, receiveWindowBytes: 16_384 }];

const TAKES = ['never', 'never', 'later', 'at any time'] as const;

export interface RoundResult {
  readonly faults: readonly string[];
  readonly links: number;
  readonly bytes: number;
  /** The program took memory away. */
  readonly tookMemory: boolean;
}

function isOneIn(random: Random, count: number): boolean {
  return random.whole(1, count) === 1;
}

/** Often much, and each order of magnitude now and then. */
function streamBytes(random: Random): number {
  return isOneIn(random, 2) ? random.whole(0, MOST_BYTES) : random.size(MOST_BYTES);
}

function linkPlan(random: Random, number: number, hasWorkers: boolean): LinkPlan {
  const kinds = ['socket', 'socket', 'ours', hasWorkers ? 'worker' : 'ours'] as const;
  const peer = kinds[random.whole(0, kinds.length - 1)] ?? 'ours';
  const echoes = peer !== 'worker' && isOneIn(random, 3);
  const streams = [2 * number, echoes ? 2 * number : 2 * number + 1] as const;
  return {
    number,
    peerStream: streams[0],
    ourStream: streams[1],
    ourBytes: streamBytes(random),
    peerBytes: streamBytes(random),
    echoes,
    connects: peer !== 'worker' && isOneIn(random, 2),
    peer,
    seed: random.whole(0, WORD - 1),
    peerSeed: random.whole(0, WORD - 1),
  };
}

/** A connection, its ends as they come, and what was opened for it. */
interface Link {
  readonly plan: LinkPlan;
  our: Actor | undefined;
  peer: EndReport | undefined;
  peerActor: Actor | undefined;
  socket: SocketPeer | undefined;
  worker: Worker | undefined;
  server: AsyncServer | Server | undefined;
}

/** True if one of the ends is to be given bytes that the other one has sent. */
function isUnderWay({ our, peer, peerActor }: Link): boolean {
  if (our === undefined || peer === undefined || our.isOver || peer.isOver) return false;
  const toUs = our.reads && our.got < peer.taken;
  const toPeer = peerActor?.reads !== false && peer.got < our.taken;
  return toUs || toPeer;
}

export class Round {
  readonly #scene = new Scene();
  readonly #random: Random;
  readonly #stack: KernelStack;
  readonly #takes: ActorPlan['takes'];
  readonly #links: Link[] = [];
  readonly #rawSockets = new Set<Socket>();
  readonly #clients: AsyncClient[] = [];

  constructor(seed: number) {
    const random = (this.#random = new Random(seed));
    this.#stack = new KernelStack(requireAddon(), LIMITS[random.whole(0, LIMITS.length - 1)]);
    this.#takes = TAKES[random.whole(0, TAKES.length - 1)] ?? 'never';
  }

  /** @param isFirst descriptors are not counted: the runtime opens some of its own at the first use. */
  async play(isFirst: boolean): Promise<RoundResult> {
    const random = this.#random;
    const before = isFirst ? undefined : descriptors();
    const hasWorkers = isOneIn(random, WORKER_IN);
    const count = random.whole(1, MOST_LINKS);
    for (let number = 0; number < count; number += 1) {
      this.#links.push({
        plan: linkPlan(random, number, hasWorkers),
        our: undefined,
        peer: undefined,
        peerActor: undefined,
        socket: undefined,
        worker: undefined,
        server: undefined,
      });
    }
    const lastsMs = random.whole(10, LONGEST_MS);
    for (const link of this.#links) await this.#open(link);
    await this.#last(lastsMs);
    await this.#arrive();
    await this.#end();
    await this.#quiet(before);
    for (const link of this.#links) this.#check(link);
    this.#scene.checkCanaries();
    const { faults, hasTaken } = this.#scene;
    const bytes = this.#links.reduce((sum, { our, peer }) => sum + (our?.got ?? 0) + (peer?.got ?? 0), 0);
    return { faults, links: this.#links.length, bytes, tookMemory: hasTaken };
  }

  // ---- connections

  async #open(link: Link): Promise<void> {
    const { plan } = link;
    if (plan.peer === 'socket' && plan.connects) return this.#connectToSocket(link);
    const server = new AsyncServer(0, { address: HOST, stack: this.#stack });
    link.server = server;
    server.onClient((client) => {
      link.our = this.#actor(link, client, true);
      link.our.begin();
    });
    await server.begin();
    const port = server.port();
    if (plan.peer === 'socket') {
      const socket = connect({ host: HOST, port, allowHalfOpen: true });
      this.#watch(socket);
      socket.on('connect', () => this.#socketPeer(link, socket));
    } else if (plan.peer === 'ours') {
      link.peerActor = link.peer = this.#connect(link, port, false);
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
    const otherResets = (): boolean => this.#scene.hasTaken || link.our?.mayReset !== false;
    link.peer = link.socket = new SocketPeer(this.#scene, socket, link.plan, otherResets);
  }

  #connect(link: Link, port: number, isOurs: boolean): Actor {
    const client = new AsyncClient({ stack: this.#stack });
    this.#clients.push(client);
    const actor = this.#actor(link, client, isOurs);
    client.onConnect(() => actor.begin());
    client.connect(HOST, port);
    return actor;
  }

  #actor(link: Link, client: AsyncClient, isOurs: boolean): Actor {
    const { plan } = link;
    const end: ActorPlan = {
      number: plan.number,
      side: isOurs ? 'our end' : 'our peer',
      outgoing: isOurs ? plan.ourStream : plan.peerStream,
      outgoingBytes: isOurs ? plan.ourBytes : plan.peerBytes,
      incoming: isOurs ? plan.peerStream : plan.ourStream,
      echoes: isOurs && plan.echoes,
      seed: isOurs ? plan.seed : plan.peerSeed,
      takes: this.#takes,
      endsWhole: false,
    };
    const actor = new Actor(this.#scene, client, end);
    actor.otherResets = () => {
      const other = isOurs ? link.peer : link.our;
      return this.#scene.hasTaken || other?.mayReset !== false;
    };
    return actor;
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
        takes: this.#takes,
        endsWhole: true,
      },
    };
    const worker = new Worker(new URL('worker-program.js', import.meta.url), { workerData: order });
    link.worker = worker;
    worker.on('message', (text: unknown) => this.#scene.fault(String(text)));
    worker.on('error', (error) => {
      if (error.message !== ON_PURPOSE) this.#scene.fault(`a worker failed: ${String(error)}`);
    });
    worker.on('exit', () => (link.worker = undefined));
    if (order.ending === 'terminated') setTimeout(() => void worker.terminate(), order.afterMs).unref();
  }

  // ---- time

  async #last(ms: number): Promise<void> {
    const endMs = performance.now() + ms;
    while (performance.now() < endMs && this.#links.some(({ our }) => our?.isOver !== true)) {
      await new Promise((resolve) => setTimeout(resolve, GC_EVERY_MS));
      if (isOneIn(this.#random, 2)) globalThis.gc?.();
    }
  }

  /** Everybody only reads now: what is under way arrives. */
  async #arrive(): Promise<void> {
    for (const { our, peerActor, socket } of this.#links) {
      our?.calm();
      peerActor?.calm();
      socket?.calm();
    }
    const endMs = performance.now() + PATIENCE_MS;
    for (;;) {
      const stuck = this.#links.filter(isUnderWay);
      if (stuck.length === 0) return;
      if (performance.now() > endMs) {
        const ends = stuck.map(({ our, peer }) => `${describeEnd(our)}\n  ${describeEnd(peer)}`);
        this.#scene.fault(`stuck: ${ends.join('\n')}`);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  async #end(): Promise<void> {
    for (const { worker } of this.#links) await worker?.terminate();
    for (const { our, peerActor, socket } of this.#links) {
      our?.leave();
      peerActor?.leave();
      socket?.leave();
    }
    for (const client of this.#clients) client.abort();
    for (const socket of this.#rawSockets) socket.destroy();
    for (const { server } of this.#links) {
      if (server instanceof AsyncServer) await server.end({ clients: 'abort' });
      else server?.close();
    }
  }

  #held(): string {
    const { loop, timers, lingerers } = this.#stack;
    const counts = [loop.sockets, lingerers.size, timers.size, loop.timers.size, this.#rawSockets.size];
    return `sockets, lingering, timers, the loop's timers, peers: ${counts.join()}`;
  }

  /** Waits until nothing is held. */
  async #quiet(before: Descriptors | undefined): Promise<void> {
    const empty = `sockets, lingering, timers, the loop's timers, peers: 0,0,0,0,0`;
    const endMs = performance.now() + PATIENCE_MS;
    for (;;) {
      const now = descriptors();
      const isOver = this.#links.every(({ our, worker }) => our?.isOver !== false && worker === undefined);
      const isQuiet = isOver && this.#held() === empty;
      if (isQuiet && (before === undefined || !hasMore(now, before))) return;
      if (performance.now() > endMs) {
        const counts = JSON.stringify([before, now]);
        const ends = this.#links.map(({ our, peer }) => `${describeEnd(our)}\n  ${describeEnd(peer)}`);
        this.#scene.fault(`left: ${this.#held()}; ${ends.join('\n')} descriptors before and now: ${counts}`);
        return;
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  // ---- what holds at the end

  #check({ plan, our, peer }: Link): void {
    if (our === undefined) return;
    const scene = this.#scene;
    if (plan.peer === 'worker') checkWhole(scene, plan.peerBytes, our);
    if (peer === undefined) return;
    checkWhole(scene, our, peer);
    checkWhole(scene, peer, our);
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
 * Descriptors of sockets, of epoll and its like, and of the null device, by kind. Others are the runtime's: a
 * worker that is ended while it reads its modules leaves their files open.
 */
function descriptors(): Descriptors {
  const counts = { socket: 0, anon_inode: 0, '/dev/null': 0 };
  for (const name of readdirSync('/proc/self/fd')) {
    const kind = linkOf(name).replace(/:.*/, '');
    if (kind === 'socket' || kind === 'anon_inode' || kind === '/dev/null') counts[kind] += 1;
  }
  return counts;
}

/** The directory's own descriptor is gone when it is looked at. */
function linkOf(name: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${name}`);
  } catch {
    return '';
  }
}
