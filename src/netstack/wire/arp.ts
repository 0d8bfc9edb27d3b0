/** ARP for IPv4 over Ethernet (RFC 826). */
import { MacAddress } from './ethernet.js';

export const ARP_BYTES = 28;
export const ArpOperation = { REQUEST: 1, REPLY: 2 } as const;

const HARDWARE_ETHERNET = 1;
const PROTOCOL_IPV4 = 0x0800;

export interface ArpMessage {
  readonly operation: number;
  readonly senderMac: MacAddress;
  /** IPv4 address; 0 in a probe (RFC 5227 §1.1). */
  readonly sender: number;
  readonly targetMac: MacAddress;
  readonly target: number;
}

/** Returns the message; `undefined` if the bytes are no ARP of IPv4 over Ethernet. */
export function readArp(view: DataView, start: number, end: number): ArpMessage | undefined {
  if (end - start < ARP_BYTES) return undefined;
  const isArp =
    view.getUint16(start) === HARDWARE_ETHERNET &&
    view.getUint16(start + 2) === PROTOCOL_IPV4 &&
    // Six bytes of a link address, four of an IPv4 address.
    view.getUint16(start + 4) === 0x0604;
  const operation = view.getUint16(start + 6);
  if (!isArp || operation < ArpOperation.REQUEST || operation > ArpOperation.REPLY) return undefined;
  return {
    operation,
    senderMac: MacAddress.at(view, start + 8),
    sender: view.getInt32(start + 14),
    targetMac: MacAddress.at(view, start + 18),
    target: view.getInt32(start + 24),
  };
}

/** Writes `ARP_BYTES` bytes. */
export function writeArp(view: DataView, start: number, message: ArpMessage): void {
  view.setUint16(start, HARDWARE_ETHERNET);
  view.setUint16(start + 2, PROTOCOL_IPV4);
  view.setUint16(start + 4, 0x0604);
  view.setUint16(start + 6, message.operation);
  message.senderMac.write(view, start + 8);
  view.setInt32(start + 14, message.sender);
  message.targetMac.write(view, start + 18);
  view.setInt32(start + 24, message.target);
}
