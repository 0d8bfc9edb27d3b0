/** Runs a program twice with one seed, and finds the first packet that differs. */
import type { Direction } from '../link/direction.js';
import type { LinkTap } from '../link/ports.js';
import type { Frame } from '../netstack/frame.js';
import { PacketLines } from '../link/packet-line.js';
import { PacketView } from '../link/packet-view.js';
import { installedGlobals } from './install-globals.js';
import { differenceOf, partsOf, type PacketParts } from './packet-difference.js';
import { Network, type NetworkOptions } from './network.js';

/** Packets that are compared; later ones are not. */
export const MOST_COMPARED_PACKETS = 1_000_000;

/** Bytes of packets that are kept to show what differs. */
const MOST_KEPT_BYTES = 67_108_864;

const FNV_OFFSET = 0x811c_9dc5 | 0;
const FNV_PRIME = 0x0100_0193;

/** A line for each thing that happens to a packet, with a hash of its bytes. */
class Trace implements LinkTap {
  readonly lines: string[] = [];
  /** The first packets themselves. */
  readonly packets: PacketParts[] = [];
  #keptBytes = 0;
  readonly #format = new PacketLines();
  readonly #views = { ethernet: new PacketView('ethernet'), ip: new PacketView('ip') };

  sent(direction: Direction, frame: Frame): void {
    this.#note(direction, frame, 'sent');
  }

  arrived(direction: Direction, frame: Frame): void {
    this.#note(direction, frame, 'arrived');
  }

  dropped(direction: Direction, frame: Frame, reason: string): void {
    this.#note(direction, frame, reason);
  }

  #note(direction: Direction, frame: Frame, what: string): void {
    if (this.lines.length >= MOST_COMPARED_PACKETS) return;
    const view = this.#views[direction.medium].read(frame);
    view.from = direction.from;
    view.to = direction.to;
    if (this.packets.length === this.lines.length && this.#keptBytes < MOST_KEPT_BYTES) {
      this.#keptBytes += view.length;
      this.packets.push(partsOf(view));
    }
    const bytes = hashOf(view.bytes).toString(16).padStart(8, '0');
    this.lines.push(
      this.#format.line(direction.nowNs, view, `${what}, ${direction.nowNs} ns, bytes ${bytes}`),
    );
  }
}

/** FNV-1a. */
function hashOf(bytes: Uint8Array): number {
  let hash = FNV_OFFSET;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, FNV_PRIME);
  return hash >>> 0;
}

/** Runs a program. Globals that it has installed and left so end with it. */
async function play(program: (network: Network) => PromiseLike<unknown>, network: Network): Promise<void> {
  const before = installedGlobals();
  try {
    await program(network);
  } finally {
    const left = installedGlobals();
    if (left !== before) left?.[Symbol.dispose]();
  }
}

/**
 * Runs `program` in two networks of the same seed.
 * @returns the number of packets that were compared.
 * @throws Error with the first packet that differs, and those before it; what the program throws.
 */
export async function checkDeterminism(
  program: (network: Network) => PromiseLike<unknown>,
  options: NetworkOptions = {},
): Promise<number> {
  const first = new Trace();
  const network = new Network(options);
  network.addTap(first);
  await play(program, network);
  // The acts of the first network that come later, in real time, are not part of the run.
  network.removeTap(first);
  const second = new Trace();
  const again = new Network({ ...options, seed: network.seed });
  again.addTap(second);
  await play(program, again);
  const length = Math.max(first.lines.length, second.lines.length);
  for (let index = 0; index < length; index += 1) {
    if (first.lines[index] === second.lines[index]) continue;
    const before = first.lines.slice(Math.max(0, index - 3), index).map((line) => `  both:   ${line}`);
    const text = [
      `two runs with seed ${network.seed} differ from packet ${index + 1} on:`,
      ...before,
      `  first:  ${first.lines[index] ?? 'no packet'}`,
      `  second: ${second.lines[index] ?? 'no packet'}`,
      ...differenceOf(first.packets[index], second.packets[index]),
    ];
    throw new Error(text.join('\n'));
  }
  return length;
}
