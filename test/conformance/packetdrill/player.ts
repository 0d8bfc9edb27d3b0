/**
 * Plays a script: line by line, in virtual time. A line's time counts from the line before it, as packetdrill
 * counts: from the time that a packet to the stack had in the script, else from the present.
 */
import type { TcpSocket } from '#src/netstack/raw-api.js';
import { Address } from '#src/netstack/wire/address.js';
import { Calls, type Attempt } from './calls.js';
import { faultOf, type Strictness } from './compare.js';
import type { Outcome } from './descriptor.js';
import { ScriptFailure } from './failure.js';
import { Flow, type End } from './flow.js';
import { Host, type SentSegment, type StackUnderTest } from './host.js';
import { formatOptions } from './options.js';
import { FailedAssertion, Python } from './python.js';
import type { Action, CallLine, Line, PacketLine, Script, Value, When } from './script.js';
import { encodeSegment, formatSegment, type AddressBytes } from './segment.js';
import { changesOf, merged, type Changes } from './settings.js';
import { figureOf } from './tcp-info.js';
import { UnknownLine } from './tokens.js';

/** Time that the stack has when a script begins. */
const START_MS = 1000;
/** Tolerances of packetdrill: a time, and a part of the time since the line before. */
const TOLERANCE_MS = 4;
const TOLERANCE_PART = 0.125;
/** Time that a packet may be late and still be shown instead of none. */
const PATIENCE_MS = 2000;
const FIRST_REMOTE_PORT = 40_000;
const LOCAL_PORT = 8080;
/** Port that `connect` leads to. */
const REMOTE_PORT = 8080;

/** The addresses that packetdrill has by default. */
const ADDRESSES = {
  ipv4: { local: '192.168.0.1', remote: '192.0.2.1' },
  ipv6: { local: 'fd3d:fa7b:d17d::1', remote: '2001:db8::1' },
};

const ECN_BITS: Readonly<Record<string, number>> = { noecn: 0, ect1: 1, ect0: 2, ect01: 2, ce: 3 };

export interface StackOptions {
  readonly local: string;
  readonly startMs: number;
  /** What the script changes of the profile. */
  readonly changes: Changes;
  /** Takes the IP packets that the stack sends. */
  onSent(bytes: Uint8Array): void;
}

export interface PlayOptions {
  makeStack(options: StackOptions): StackUnderTest;
  /** True: segments that the script does not expect at its end fail it, and push flags are compared. */
  readonly isExact: boolean;
  /** The number with which the script's peer begins; 0 if it is not given. */
  readonly remoteStart?: number;
}

interface PendingCall {
  readonly line: Line;
  readonly call: CallLine;
  readonly attempt: Attempt;
  readonly endMs: number | undefined;
  readonly startMs: number;
  outcome: Outcome;
  doneMs: number;
}

function bytesOf(address: Address): AddressBytes {
  const words = address.family === 4 ? [address.d] : [address.a, address.b, address.c, address.d];
  return words.flatMap((word) => [24, 16, 8, 0].map((shift) => (word >>> shift) & 0xff));
}

function parseAddress(text: string): Address {
  const address = Address.parse(text);
  if (address === undefined) throw new UnknownLine(1, `the address ${text}`);
  return address;
}

export class Player {
  readonly #script: Script;
  readonly #options: PlayOptions;
  readonly #local: Address;
  readonly #remote: Address;
  readonly #changes: Changes;
  readonly #toleranceMs: number;
  readonly #strictness: Strictness;
  readonly #calls: Calls;
  readonly #python = new Python();
  readonly #flows: Flow[] = [];
  readonly #unanswered = new Set<string>();
  readonly #host: Host;
  /** What the script's next packets belong to. */
  #current: Flow | 'listening' | undefined;
  #pending: PendingCall | undefined;
  /** Time of the line before in the script, and of its beginning. */
  #lastMs: number | undefined;
  #lastIsAnchor = false;

  constructor(script: Script, options: PlayOptions) {
    this.#script = script;
    this.#options = options;
    const family = script.options.get('ip_version') === 'ipv6' ? 'ipv6' : 'ipv4';
    this.#local = parseAddress(script.options.get('local_ip') ?? ADDRESSES[family].local);
    this.#remote = parseAddress(script.options.get('remote_ip') ?? ADDRESSES[family].remote);
    this.#changes = merged(script.setUp.map(({ line, text }) => changesOf(text, line)));
    this.#toleranceMs = Number(script.options.get('tolerance_usecs') ?? TOLERANCE_MS * 1000) / 1000;
    const tickMs = Number(script.options.get('tcp_ts_tick_usecs') ?? 0) / 1000;
    this.#strictness = { push: options.isExact, timestampTickMs: tickMs === 0 ? undefined : tickMs };
    this.#host = this.#makeHost();
    this.#calls = new Calls({
      tcp: this.#host.tcp,
      localAddress: this.#local,
      remoteAddress: this.#remote,
      localPort: LOCAL_PORT,
      remotePort: REMOTE_PORT,
      onSocket: () => (this.#current = undefined),
      onListening: () => (this.#current = 'listening'),
      onConnecting: (socket) => this.#addFlow({ address: bytesOf(this.#remote), port: REMOTE_PORT }, socket),
      onAccepted: (socket) => this.#pair(socket),
    });
  }

  /**
   * Plays the script. Throws `ScriptFailure` at what the stack does otherwise, `UnknownLine` at what is not
   * known.
   * @returns the names of the figures in assertions that the stack does not keep.
   */
  play(): string[] {
    for (const line of this.#script.lines) this.#playLine(line);
    this.#finishCall();
    if (this.#options.isExact) this.#checkQuiet();
    return [...this.#unanswered];
  }

  #makeHost(): Host {
    const mss = this.#script.lines
      .map(({ action }) => segmentSizeOf(action))
      .find((size) => size !== undefined);
    const changes: Changes = mss === undefined ? this.#changes : { ...this.#changes, mss };
    const local = `${this.#local.toString()}/${this.#local.family === 4 ? 16 : 64}`;
    const stack = this.#options.makeStack({
      local,
      startMs: START_MS,
      changes,
      onSent: (bytes) => this.#host.noteSent(bytes),
    });
    return new Host(stack, START_MS);
  }

  #addFlow(remote: End, socket?: TcpSocket): Flow {
    const local = { address: bytesOf(this.#local), port: socket?.localPort ?? LOCAL_PORT };
    const flow = new Flow(local, remote, this.#options.remoteStart ?? 0);
    flow.socket = socket;
    this.#flows.push(flow);
    this.#current = flow;
    return flow;
  }

  #pair(socket: TcpSocket): void {
    const flow = this.#flows.find(({ remote }) => remote.port === socket.remotePort);
    if (flow !== undefined) flow.socket = socket;
  }

  #flowOf(line: Line): Flow {
    if (this.#current instanceof Flow) return this.#current;
    throw new UnknownLine(line.number, 'a packet that belongs to no socket');
  }

  #playLine(line: Line): void {
    const { action } = line;
    // Packetdrill's program has one thread for calls: a second one waits for the first.
    if (action.kind === 'call') this.#finishCall();
    const { atMs, endMs, offsetMs } = this.#timesOf(line.when);
    if (action.kind === 'packet' && action.direction === 'out') {
      this.#expect(line, action, atMs, endMs);
    } else {
      this.#runUntil(atMs);
      if (action.kind === 'packet') this.#inject(line, action);
      else if (action.kind === 'call') this.#begin(line, action, offsetMs);
      else if (action.kind === 'code') this.#runCode(line, action.text);
      else if (Object.keys(changesOf(action.text, line.number)).length > 0) {
        throw new UnknownLine(line.number, 'a command that changes the running stack');
      }
    }
    this.#lastMs = line.when.kind === 'any' ? undefined : atMs;
    this.#lastIsAnchor = action.kind === 'packet' && action.direction === 'in';
  }

  /** Returns the time of a line since the script's beginning, and what it counts from. */
  #timesOf(when: When): { atMs: number; endMs: number; offsetMs: number } {
    if (when.kind === 'any') return { atMs: this.#host.nowMs, endMs: Infinity, offsetMs: 0 };
    const isRelative = when.kind === 'relative' || when.kind === 'relativeRange';
    const offsetMs = isRelative ? this.#offsetMs() : 0;
    const atMs = when.atMs + offsetMs;
    return { atMs, endMs: 'endMs' in when ? when.endMs + offsetMs : atMs, offsetMs };
  }

  #offsetMs(): number {
    return this.#lastIsAnchor && this.#lastMs !== undefined ? this.#lastMs : this.#host.nowMs;
  }

  /** Runs the stack up to a time, or until `isEnough` after one of its steps. */
  #runUntil(limitMs: number, isEnough: () => boolean = () => false): void {
    while (!isEnough()) {
      const fires = this.#host.step(Math.max(limitMs, this.#host.nowMs));
      this.#pollCall();
      if (!fires) return;
    }
  }

  #inject(line: Line, packet: PacketLine): void {
    if (this.#current === 'listening' || (this.#current === undefined && this.#flows.length === 0)) {
      this.#addFlow({ address: bytesOf(this.#remote), port: FIRST_REMOTE_PORT + this.#flows.length });
    }
    const segment = this.#flowOf(line).toWire(packet, line.number, ECN_BITS[packet.ecn ?? 'noecn'] ?? 0);
    this.#host.receive(encodeSegment(segment));
    this.#calls.noteArrival();
    this.#host.settle();
    this.#pollCall();
  }

  /** Returns the next segment of a flow; runs the stack until there is one. */
  #nextSent(flow: Flow, limitMs: number): SentSegment | undefined {
    const host = this.#host;
    const takeOwn = (): SentSegment | undefined => {
      let sent = host.sent[0];
      while (sent !== undefined && !flow.isSource(sent.segment)) {
        host.sent.shift();
        sent = host.sent[0];
      }
      return sent;
    };
    if (takeOwn() === undefined) this.#runUntil(limitMs, () => takeOwn() !== undefined);
    return host.sent.shift();
  }

  #toleranceOf(atMs: number): number {
    if (this.#lastMs === undefined) return this.#toleranceMs;
    return Math.max(this.#toleranceMs, (atMs - this.#lastMs) * TOLERANCE_PART);
  }

  #expect(line: Line, packet: PacketLine, atMs: number, endMs: number): void {
    const flow = this.#flowOf(line);
    const expected = formatExpected(packet);
    const toleranceMs = this.#toleranceOf(atMs);
    const strictness = this.#strictness;
    const parts: string[] = [];
    for (let received = 0; ;) {
      const sent = this.#nextSent(flow, endMs + toleranceMs + PATIENCE_MS);
      const fail = (reason: string): ScriptFailure =>
        new ScriptFailure(line.number, reason, expected, parts.length === 0 ? 'nothing' : parts.join('\n'));
      if (sent === undefined) throw fail(`nothing is sent until ${seconds(this.#host.nowMs)}`);
      const segment = flow.toScript(sent.segment, packet);
      parts.push(`${seconds(sent.atMs)} ${formatSegment(segment)}`);
      const end = received + segment.data.length;
      const place = { sequence: packet.seq + received, isLast: end >= packet.length };
      const fault = faultOf(packet, segment, place, strictness, atMs * TOLERANCE_PART + toleranceMs);
      if (fault !== undefined) throw fail(fault);
      if (end > packet.length || (segment.data.length === 0 && end < packet.length)) {
        throw fail(`${end} bytes come instead of ${packet.length}`);
      }
      if (sent.atMs < atMs - toleranceMs || sent.atMs > endMs + toleranceMs) {
        throw fail(`it is sent at ${seconds(sent.atMs)}, not at ${seconds(atMs)}`);
      }
      if (end === packet.length) return;
      if (this.#script.options.has('strict_segments')) throw fail('it comes in several segments');
      received = end;
    }
  }

  #begin(line: Line, call: CallLine, offsetMs: number): void {
    const attempt = this.#calls.begin(call, line.number);
    const endMs = call.endMs === undefined ? undefined : call.endMs + offsetMs;
    this.#pending = { line, call, attempt, endMs, startMs: this.#host.nowMs, outcome: undefined, doneMs: 0 };
    this.#pollCall();
    if (endMs === undefined) this.#finishCall();
  }

  /** Tries the call that blocks once more. */
  #pollCall(): void {
    const pending = this.#pending;
    if (pending === undefined || pending.outcome !== undefined) return;
    const outcome = pending.attempt.try();
    pending.outcome = outcome ?? (pending.attempt.isNonBlocking ? 'EAGAIN' : undefined);
    pending.doneMs = this.#host.nowMs;
    this.#host.settle();
  }

  /** Waits for the end of a call that blocks, and compares its result and time. */
  #finishCall(): void {
    const pending = this.#pending;
    if (pending === undefined) return;
    const { call, line, startMs, endMs } = pending;
    const toleranceMs = Math.max(this.#toleranceMs, ((endMs ?? startMs) - startMs) * TOLERANCE_PART);
    if (endMs !== undefined) this.#runUntil(endMs + toleranceMs, () => pending.outcome !== undefined);
    this.#pending = undefined;
    const { outcome, doneMs } = pending;
    if (outcome === undefined) throw new ScriptFailure(line.number, `${call.name} blocks`);
    const wanted = call.error ?? resultOf(call.result);
    const seen = typeof outcome === 'string' && call.error === undefined ? -1 : outcome;
    if (wanted !== undefined && seen !== wanted) {
      throw new ScriptFailure(line.number, `${call.name} returns ${outcome}, not ${wanted}`);
    }
    if (endMs !== undefined && Math.abs(doneMs - endMs) > toleranceMs) {
      throw new ScriptFailure(
        line.number,
        `${call.name} returns at ${seconds(doneMs)}, not at ${seconds(endMs)}`,
      );
    }
  }

  #runCode(line: Line, code: string): void {
    const socket = this.#current instanceof Flow ? this.#current.socket : undefined;
    try {
      const unknown = this.#python.run(code, line.number, (name) => figureOf(name, socket));
      for (const name of unknown) this.#unanswered.add(name);
    } catch (error) {
      if (error instanceof FailedAssertion) throw new ScriptFailure(line.number, error.message);
      throw error;
    }
  }

  #checkQuiet(): void {
    const rest = this.#host.sent.filter(({ segment }) => this.#flows.some((flow) => flow.isSource(segment)));
    const [first] = rest;
    if (first === undefined) return;
    const { number } = this.#script.lines.at(-1) ?? { number: 1 };
    const text = `${seconds(first.atMs)} ${formatSegment(first.segment)}`;
    throw new ScriptFailure(number, 'a segment is left that no line expects', undefined, text);
  }
}

/**
 * Returns the size that a call sets with TCP_MAXSEG. A profile has one for all sockets, and from the
 * beginning.
 */
function segmentSizeOf(action: Action): number | undefined {
  if (action.kind !== 'call' || action.name !== 'setsockopt') return undefined;
  const [, , option, value] = action.args;
  if (option?.kind !== 'names' || option.names[0] !== 'TCP_MAXSEG' || value?.kind !== 'list')
    return undefined;
  const [size] = value.items;
  return size?.kind === 'number' ? size.value : undefined;
}

function resultOf(result: Value): number | undefined {
  return result.kind === 'number' ? result.value : undefined;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(4)} s`;
}

function formatExpected(packet: PacketLine): string {
  const { seq, length, flags, ack, window, options } = packet;
  const ackText = ack === undefined ? '' : ` ack ${ack}`;
  const windowText = window === undefined ? '' : ` win ${window}`;
  const optionText =
    options === undefined ? ' <...>' : options.length === 0 ? '' : ` <${formatOptions(options)}>`;
  return `${flags === '' ? '-' : flags} ${seq}:${seq + length}(${length})${ackText}${windowText}${optionText}`;
}
