/**
 * A connection of a script, and the sequence numbers and timestamps that stand on the wire for the script's.
 * A script counts from the SYN on: the byte behind it is number 1. It names timestamps of the stack with
 * values of its own; the first of them pairs the two clocks.
 */
import type { TcpSocket } from '#src/netstack/raw-api.js';
import type { TcpOption } from './options.js';
import type { PacketLine } from './script.js';
import type { AddressBytes, Segment } from './segment.js';
import { UnknownLine } from './tokens.js';

export interface End {
  readonly address: AddressBytes;
  readonly port: number;
}

const isSyn = ({ flags }: { readonly flags: string }): boolean => flags.includes('S');

export class Flow {
  readonly local: End;
  readonly remote: End;
  /** The stack's socket, once the script's program has it. */
  socket: TcpSocket | undefined;
  /** Initial sequence numbers on the wire and in the script. */
  #localIsn: number | undefined;
  #scriptLocalIsn = 0;
  #remoteIsn: number;
  #hasRemoteIsn = false;
  /** Number of a SYN that may open the same pair of ports once more. */
  #laterSyn: number | undefined;
  #scriptRemoteIsn = 0;
  readonly #remoteStart: number;
  /** The stack's timestamps by what the script calls them. */
  readonly #timestamps = new Map<number, number>();
  #timestampOffset: number | undefined;

  /** @param remoteStart number that a SYN of the script's peer has on the wire if it has 0 in the script. */
  constructor(local: End, remote: End, remoteStart: number) {
    this.local = local;
    this.remote = remote;
    this.#remoteStart = this.#remoteIsn = remoteStart;
  }

  isSource({ source, sourcePort, destinationPort }: Segment): boolean {
    if (sourcePort !== this.local.port || destinationPort !== this.remote.port) return false;
    return source.every((byte, index) => byte === this.local.address[index]);
  }

  /** Returns the segment on the wire for a line with a packet to the stack. */
  toWire(line: PacketLine, number: number, ecn: number): Segment {
    const { seq, flags, length, ack } = line;
    if (isSyn(line) && !this.#hasRemoteIsn) {
      this.#hasRemoteIsn = true;
      this.#scriptRemoteIsn = seq;
      this.#remoteIsn = (this.#remoteStart + seq) >>> 0;
    }
    if (isSyn(line) && seq !== this.#scriptRemoteIsn) this.#laterSyn = seq;
    const seqOffset = isSyn(line) ? this.#remoteIsn - this.#scriptRemoteIsn : this.#remoteIsn;
    const ackOffset = (this.#localIsn ?? 0) - (isSyn(line) ? this.#scriptLocalIsn : 0);
    return {
      source: this.remote.address,
      destination: this.local.address,
      sourcePort: this.remote.port,
      destinationPort: this.local.port,
      ecn,
      seq: (seq + seqOffset) >>> 0,
      ack: flags.includes('.') ? ((ack ?? 0) + ackOffset) >>> 0 : 0,
      flags,
      window: line.window ?? 0,
      urgent: line.urgent,
      options: (line.options ?? []).map((option) => this.#optionToWire(option, ackOffset, flags, number)),
      data: new Uint8Array(length),
    };
  }

  /** Begins to count anew: the stack answers a later SYN with one of its own. */
  #renumber(laterSyn: number, localIsn: number): void {
    this.#localIsn = localIsn;
    this.#remoteIsn = (laterSyn - this.#scriptRemoteIsn + this.#remoteIsn) >>> 0;
    this.#scriptRemoteIsn = laterSyn;
    this.#laterSyn = undefined;
  }

  #optionToWire(option: TcpOption, ackOffset: number, flags: string, number: number): TcpOption {
    if (option.kind === 'sack') {
      return {
        ...option,
        blocks: option.blocks.map(([a, b]) => [(a + ackOffset) >>> 0, (b + ackOffset) >>> 0]),
      };
    }
    if (option.kind !== 'TS' || !flags.includes('.')) return option;
    const paired = this.#timestampOffset === undefined ? undefined : option.echo + this.#timestampOffset;
    const echo = this.#timestamps.get(option.echo) ?? paired;
    if (echo === undefined) throw new UnknownLine(number, `the stack has sent no timestamp ${option.echo}`);
    return { ...option, echo: echo >>> 0 };
  }

  /** Returns a segment of the stack in the numbers of the script, for the line that expects it. */
  toScript(segment: Segment, line: PacketLine): Segment {
    if (isSyn(segment) && isSyn(line)) {
      if (this.#laterSyn !== undefined) this.#renumber(this.#laterSyn, segment.seq);
      this.#localIsn ??= segment.seq;
      this.#scriptLocalIsn = line.seq;
    }
    const seqOffset = (isSyn(segment) ? this.#scriptLocalIsn : 0) - (this.#localIsn ?? 0);
    const ackOffset = (isSyn(segment) ? this.#scriptRemoteIsn : 0) - this.#remoteIsn;
    const expected = line.options?.find((option) => option.kind === 'TS');
    return {
      ...segment,
      seq: (segment.seq + seqOffset) >>> 0,
      ack: segment.flags.includes('.') ? (segment.ack + ackOffset) >>> 0 : 0,
      options: segment.options.map((option) => this.#optionToScript(option, expected)),
    };
  }

  #optionToScript(option: TcpOption, expected: TcpOption | undefined): TcpOption {
    if (option.kind === 'sack') {
      const map = (seq: number): number => (seq - this.#remoteIsn) >>> 0;
      return { ...option, blocks: option.blocks.map(([start, end]) => [map(start), map(end)]) };
    }
    if (option.kind !== 'TS' || expected?.kind !== 'TS') return option;
    this.#timestamps.set(expected.value, option.value);
    this.#timestampOffset ??= option.value - expected.value;
    return { ...option, value: (option.value - this.#timestampOffset) >>> 0 };
  }
}
