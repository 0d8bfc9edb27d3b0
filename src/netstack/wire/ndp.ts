/** Options of neighbour discovery (RFC 4861 §4.6). */
import { MacAddress } from './ethernet.js';

export const NdOption = { SOURCE_MAC: 1, TARGET_MAC: 2, PREFIX: 3, MTU: 5 } as const;

/** Options that one message may have. */
export const MOST_ND_OPTIONS = 32;

/** An option's kind and its bytes, the first two included. */
export interface NdOptionView {
  readonly kind: number;
  readonly start: number;
  readonly end: number;
}

/** Returns the options from `start` to `end`; `undefined` if a length is none (RFC 4861 §6.1.2, §7.1.1). */
export function readNdOptions(bytes: Uint8Array, start: number, end: number): NdOptionView[] | undefined {
  const options: NdOptionView[] = [];
  for (let at = start; at < end;) {
    const length = at + 1 < end ? (bytes[at + 1] ?? 0) * 8 : 0;
    if (length === 0 || at + length > end || options.length >= MOST_ND_OPTIONS) return undefined;
    options.push({ kind: bytes[at] ?? 0, start: at, end: at + length });
    at += length;
  }
  return options;
}

/** Returns the link address in the first option of a kind; `undefined` if there is none. */
export function findMac(
  view: DataView,
  options: readonly NdOptionView[],
  kind: number,
): MacAddress | undefined {
  const option = options.find((each) => each.kind === kind && each.end - each.start === 8);
  return option === undefined ? undefined : MacAddress.at(view, option.start + 2);
}

/** Writes an option of eight bytes with a link address. */
export function writeMacOption(view: DataView, at: number, kind: number, mac: MacAddress): void {
  view.setUint8(at, kind);
  view.setUint8(at + 1, 1);
  mac.write(view, at + 2);
}
