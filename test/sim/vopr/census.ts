/** Counts of a run, or of many: faults that were played, connections and their ends, bytes. */
import type { DropReason } from '#src/link/impairments.js';
import type { Link } from '#src/link/link.js';

/** Drops that are no faults: a switch floods frames of hosts that it does not know yet. */
const HARMLESS: readonly DropReason[] = ['not for this port'];

export class Census {
  /** Faults by name: packets that an impairment hit, and events. */
  readonly faults = new Map<string, number>();
  /** Connections by the way in which one end of them ended. */
  readonly ends = new Map<string, number>();
  virtualMs = 0;
  /** Virtual time with faults. */
  faultyMs = 0;
  packets = 0;
  steps = 0;
  /** Bytes that arrived and were compared, and those that `onAck` reported. */
  bytesChecked = 0;
  bytesAcked = 0;
  bytesAltered = 0;
  /** Bytes of streams that ended in order, and did not arrive. */
  bytesLost = 0;
  /** Answers of `space()` that were compared with the model. */
  spaces = 0;

  fault(name: string, count = 1): void {
    if (count > 0) this.faults.set(name, (this.faults.get(name) ?? 0) + count);
  }

  end(name: string): void {
    this.ends.set(name, (this.ends.get(name) ?? 0) + 1);
  }

  get faultsPlayed(): number {
    return [...this.faults.values()].reduce((sum, count) => sum + count, 0);
  }

  /** Adds what a link did to its packets. */
  addLink(link: Link): void {
    for (const direction of [link.forward, link.backward]) {
      this.packets += direction.sent;
      for (const [reason, count] of direction.dropped)
        if (!HARMLESS.includes(reason)) this.fault(reason, count);
      this.fault('duplicate', direction.duplicated);
      this.fault('corrupt', direction.corrupted);
      this.fault('reorder', direction.overtaken);
    }
  }

  add(other: Census): void {
    for (const [name, count] of other.faults) this.fault(name, count);
    for (const [name, count] of other.ends) this.ends.set(name, (this.ends.get(name) ?? 0) + count);
    this.virtualMs += other.virtualMs;
    this.faultyMs += other.faultyMs;
    this.packets += other.packets;
    this.steps += other.steps;
    this.bytesChecked += other.bytesChecked;
    this.bytesAcked += other.bytesAcked;
    this.bytesAltered += other.bytesAltered;
    this.bytesLost += other.bytesLost;
    this.spaces += other.spaces;
  }
}
