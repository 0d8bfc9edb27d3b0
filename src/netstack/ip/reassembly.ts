/**
 * Puts fragments together again (RFC 791 §3.2, RFC 815, RFC 8200 §4.5), within bounds of datagrams, bytes,
 * fragments and time. Fragments that overlap spoil their datagram (RFC 5722 §4), in IPv4 as well: no sender
 * makes them but to deceive. An exact copy of a fragment is only dropped.
 */
import { Timer } from '../../support/timers.js';
import type { DropReason } from '../counters.js';
import type { Frame } from '../frame.js';
import { MOST_PACKET_BYTES } from '../wire/ipv4.js';
import type { IpContext } from './context.js';

type ReassemblyRules = NonNullable<IpContext['profile']['reassembly']>;

/** Fragments of one datagram: enough for 65,535 bytes over an MTU of 576. */
export const MOST_FRAGMENTS = 128;
/**
 * Bytes of memory that may be kept for each byte of payload that the profile admits, and in any case: one
 * datagram in frames that are all of the largest size needs half of that.
 */
export const MEMORY_FACTOR = 4;
const LEAST_MEMORY_BYTES = 4_194_304;

/** A fragment; its frame holds the packet from `frame.start` to `frame.end`. */
export interface Fragment {
  /** Source, destination, identification and, in IPv4, protocol. */
  readonly key: string;
  readonly frame: Frame;
  /** First byte of the fragment's data in the frame. */
  readonly at: number;
  /** Place of the data in the payload of the whole packet. */
  readonly offset: number;
  readonly isLast: boolean;
}

/**
 * Called with the first fragment of a datagram that was not complete in time; the frame stays the caller's.
 */
export type LateDatagram = (first: Frame) => void;

class Datagram {
  readonly key: string;
  readonly timer: Timer;
  /** By their offsets. */
  readonly fragments: Fragment[] = [];
  /** Bytes that have come. */
  bytes = 0;
  /** Bytes of memory that its frames have. */
  memory = 0;
  /** Bytes of the whole payload, once the last fragment came. */
  total: number | undefined;
  /** True: fragments have overlapped, and all that still come are dropped. */
  isSpoilt = false;

  constructor(key: string, due: (datagram: Datagram) => void) {
    this.key = key;
    this.timer = new Timer({
      due: () => {
        due(this);
      },
    });
  }
}

export class Reassembly {
  readonly #context: IpContext;
  readonly #onLate: LateDatagram;
  /** The oldest first. */
  readonly #datagrams = new Map<string, Datagram>();
  #bytes = 0;
  #memory = 0;

  constructor(context: IpContext, onLate: LateDatagram) {
    this.#context = context;
    this.#onLate = onLate;
  }

  /** Datagrams that are not complete, and the bytes of payload that are kept for them. */
  get datagrams(): number {
    return this.#datagrams.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Takes a fragment, and owns its frame. Returns a frame with the whole packet, which the caller owns: the
   * headers in front of the first fragment's data as they were, then the payload. `undefined` if fragments
   * are missing.
   */
  add(fragment: Fragment): Frame | undefined {
    const rules = this.#context.profile.reassembly;
    const refusal = rules === undefined ? 'reassemblyOff' : this.#keep(fragment, rules);
    if (refusal !== undefined) {
      this.#context.counters.drop(refusal);
      this.#context.frames.give(fragment.frame);
      return undefined;
    }
    const datagram = this.#datagrams.get(fragment.key);
    // Fragments never overlap: the payload is complete if it has all its bytes.
    if (datagram === undefined || datagram.bytes !== datagram.total) return undefined;
    return this.#complete(datagram);
  }

  /** Puts a fragment into its datagram. Returns the reason if it is refused. */
  #keep(fragment: Fragment, rules: ReassemblyRules): DropReason | undefined {
    const { key, frame, at, offset } = fragment;
    const bytes = frame.end - at;
    if (bytes <= 0 || at - frame.start + offset + bytes > MOST_PACKET_BYTES) return 'badFragment';
    if (!fragment.isLast && bytes % 8 !== 0) return 'badFragment';
    const datagram = this.#datagrams.get(key) ?? this.#begin(key, rules);
    if (datagram.isSpoilt) return 'overlappingFragment';
    const index = placeOf(datagram, offset);
    const verdict = check(datagram, index, fragment, bytes);
    if (verdict === 'overlap') this.#spoil(datagram);
    if (verdict !== 'good') return 'overlappingFragment';
    const memory = frame.bytes.length;
    const isTooMuch = bytes > rules.bytes - datagram.bytes || memory > memoryOf(rules) - datagram.memory;
    if (datagram.fragments.length >= MOST_FRAGMENTS || isTooMuch) {
      this.#dropAll(datagram, 'reassemblyFull');
      return 'reassemblyFull';
    }
    this.#makeRoomFor(bytes, memory, rules, datagram);
    datagram.fragments.splice(index, 0, fragment);
    datagram.bytes += bytes;
    datagram.memory += memory;
    this.#bytes += bytes;
    this.#memory += memory;
    if (fragment.isLast) datagram.total = offset + bytes;
    return undefined;
  }

  #begin(key: string, rules: ReassemblyRules): Datagram {
    if (this.#datagrams.size >= rules.datagrams) this.#forgetOldest(undefined);
    const datagram = new Datagram(key, (late) => {
      this.#expire(late);
    });
    this.#datagrams.set(key, datagram);
    this.#context.timers.arm(datagram.timer, this.#context.clock.nowMs() + rules.lifeMs);
    return datagram;
  }

  #makeRoomFor(bytes: number, memory: number, rules: ReassemblyRules, keep: Datagram): void {
    while (this.#bytes + bytes > rules.bytes || this.#memory + memory > memoryOf(rules)) {
      if (!this.#forgetOldest(keep)) return;
    }
  }

  /** Forgets the oldest datagram that has fragments, but not `keep`. Returns false if there is none. */
  #forgetOldest(keep: Datagram | undefined): boolean {
    for (const datagram of this.#datagrams.values()) {
      if (datagram === keep) continue;
      this.#dropAll(datagram, 'reassemblyFull');
      return true;
    }
    return false;
  }

  #spoil(datagram: Datagram): void {
    this.#free(datagram, 'overlappingFragment');
    datagram.isSpoilt = true;
  }

  #expire(datagram: Datagram): void {
    const first = datagram.fragments[0];
    if (first?.offset === 0) this.#onLate(first.frame);
    this.#dropAll(datagram, 'reassemblyTimeout');
  }

  #dropAll(datagram: Datagram, reason: DropReason): void {
    this.#free(datagram, reason);
    this.#forget(datagram);
  }

  #forget(datagram: Datagram): void {
    this.#context.timers.disarm(datagram.timer);
    this.#datagrams.delete(datagram.key);
  }

  #free(datagram: Datagram, reason: DropReason | undefined): void {
    for (const { frame } of datagram.fragments.splice(0)) {
      if (reason !== undefined) this.#context.counters.drop(reason);
      this.#context.frames.give(frame);
    }
    this.#bytes -= datagram.bytes;
    this.#memory -= datagram.memory;
    datagram.bytes = datagram.memory = 0;
  }

  #complete(datagram: Datagram): Frame | undefined {
    const [first] = datagram.fragments;
    if (first === undefined) return undefined;
    const headerBytes = first.at - first.frame.start;
    if (headerBytes + datagram.bytes > MOST_PACKET_BYTES) {
      this.#dropAll(datagram, 'badFragment');
      return undefined;
    }
    const whole = this.#context.frames.take(headerBytes + datagram.bytes);
    whole.bytes.set(first.frame.bytes.subarray(first.frame.start, first.at), whole.start);
    for (const { frame, at, offset } of datagram.fragments) {
      whole.bytes.set(frame.bytes.subarray(at, frame.end), whole.start + headerBytes + offset);
    }
    whole.end = whole.start + headerBytes + datagram.bytes;
    this.#free(datagram, undefined);
    this.#forget(datagram);
    return whole;
  }
}

function memoryOf({ bytes }: ReassemblyRules): number {
  return Math.max(MEMORY_FACTOR * bytes, LEAST_MEMORY_BYTES);
}

/** Returns the place among the fragments that an offset belongs to. */
function placeOf({ fragments }: Datagram, offset: number): number {
  let index = fragments.length;
  while (index > 0 && (fragments[index - 1]?.offset ?? 0) >= offset) index -= 1;
  return index;
}

function check(
  datagram: Datagram,
  index: number,
  fragment: Fragment,
  bytes: number,
): 'good' | 'copy' | 'overlap' {
  const { offset, isLast } = fragment;
  const end = offset + bytes;
  const next = datagram.fragments[index];
  const previous = datagram.fragments[index - 1];
  if (next?.offset === offset && next.frame.end - next.at === bytes && next.isLast === isLast) return 'copy';
  if (next !== undefined && next.offset < end) return 'overlap';
  if (previous !== undefined && previous.offset + previous.frame.end - previous.at > offset) return 'overlap';
  // Nothing comes behind the last fragment, and there is one of it.
  if (isLast && (datagram.total !== undefined || next !== undefined)) return 'overlap';
  return datagram.total !== undefined && end > datagram.total ? 'overlap' : 'good';
}
