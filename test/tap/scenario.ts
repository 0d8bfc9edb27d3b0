/** Scenarios on TAP and TUN devices, each in a process and a network namespace of its own. */
import type { Peer } from '../e2e/programs.js';

export interface TapScenario {
  readonly title: string;
  /** Foreign programs that it runs. */
  readonly needs?: readonly Peer[];
  /** Commands of the shell that set up the namespace before the process starts. */
  readonly prepare: readonly string[];
  readonly run: () => Promise<void>;
}

/** The kernel's end of a TAP device, and the twin's. */
export const TAP = 'tap0';
export const KERNEL_ADDRESS = '10.0.0.1';
export const TWIN_ADDRESS = '10.0.0.2';
export const KERNEL_ADDRESS_6 = 'fd00::1';
export const TWIN_ADDRESS_6 = 'fd00::2';

/** Returns the commands that make a device whose kernel's end has its addresses. */
export function deviceCommands(kind: 'tap' | 'tun' = 'tap', mtu = 1500): readonly string[] {
  return [
    `ip tuntap add dev ${TAP} mode ${kind}`,
    `ip link set ${TAP} mtu ${mtu}`,
    `ip addr add ${KERNEL_ADDRESS}/24 dev ${TAP}`,
    // Without the detection of duplicates the address can be used at once.
    `ip addr add ${KERNEL_ADDRESS_6}/64 dev ${TAP} nodad`,
    `ip link set ${TAP} up`,
  ];
}
