/** Says in which layer two packets differ, for people who look for the reason. */
import type { PacketView } from '../link/packet-view.js';

/** Bytes of data before and behind the first one that differs. */
const BEFORE = 24;
const BEHIND = 32;

/** A copy of a packet, cut at its layers. */
export interface PacketParts {
  readonly headers: readonly (readonly [layer: string, bytes: Uint8Array])[];
  readonly data: Uint8Array;
}

/** Copies a packet. */
export function partsOf(packet: PacketView): PacketParts {
  const { frame, ipStart, transportStart } = packet;
  const dataStart = Math.min(packet.payloadStart, packet.end);
  const cut = (start: number, end: number): Uint8Array => frame.bytes.slice(start, Math.max(start, end));
  return {
    headers: [
      ['the link header', cut(frame.start, ipStart)],
      ['the header of IP', cut(ipStart, transportStart)],
      [packet.isTcp ? 'the header of TCP' : 'what IP carries', cut(transportStart, dataStart)],
    ],
    data: cut(dataStart, packet.end),
  };
}

/** Returns a line about two packets; none if one of them is not there, or both are the same. */
export function differenceOf(first: PacketParts | undefined, second: PacketParts | undefined): string[] {
  if (first === undefined || second === undefined) return [];
  const at = placeOf(first.data, second.data);
  if (at >= 0) {
    const texts = [first, second].map(({ data }) => excerpt(data, at)).join(' and ');
    return [`  their data differ from byte ${at + 1} on: ${texts}`];
  }
  const layer = first.headers.findLast(
    ([, bytes], index) => placeOf(bytes, second.headers[index]?.[1] ?? new Uint8Array()) >= 0,
  );
  return layer === undefined ? [] : [`  their data are the same; they differ in ${layer[0]}`];
}

/** Returns the index of the first byte that differs; −1 if there is none. */
function placeOf(first: Uint8Array, second: Uint8Array): number {
  const length = Math.max(first.length, second.length);
  for (let index = 0; index < length; index += 1) if (first[index] !== second[index]) return index;
  return -1;
}

/** Returns the bytes around a place as a text; bytes that are no ASCII as dots. */
function excerpt(data: Uint8Array, at: number): string {
  const start = Math.max(0, at - BEFORE);
  const text = new TextDecoder('latin1')
    .decode(data.subarray(start, at + BEHIND))
    .replace(/[^\x20-\x7e\r\n]/g, '.');
  return JSON.stringify(`${start > 0 ? '…' : ''}${text}${at + BEHIND < data.length ? '…' : ''}`);
}
