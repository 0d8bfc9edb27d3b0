/**
 * The door `asynctcp/virtual`: simulated networks of hosts with this package's own TCP/IP, under one clock
 * and one seed. AsyncClient and AsyncServer take the stack of a host: `new AsyncServer(80, { stack:
 * host.stack })`.
 */
import { FramePool } from './netstack/frame.js';
import { NetStack } from './netstack/netstack.js';
import { PROFILES, type Profile, type ProfileName } from './netstack/profile.js';
import type { Lookup } from './port/lookup.js';
import { RealTimeDriver } from './stacks/virtual/real-time-driver.js';
import { VirtualStack, type VirtualStackLimits } from './stacks/virtual/virtual-stack.js';
import { systemRandom } from './support/random.js';

// The classes of the door `asynctcp`, for browsers: that door needs Node.
export { AsyncClient } from './asynctcp/async-client.js';
export { AsyncServer } from './asynctcp/async-server.js';
export type { Capture, CaptureOptions } from './link/capture.js';
export type { Direction } from './link/direction.js';
export type { LinkTap } from './link/ports.js';
export type {
  BurstLoss,
  CoDelOptions,
  DelayDistribution,
  DropReason,
  Impairments,
  PowerSave,
  QueueOptions,
} from './link/impairments.js';
export type { Link, LinkOptions } from './link/link.js';
export type { LinkLog } from './link/link-log.js';
export type { Nat, NatOptions } from './link/nat.js';
export type { PacketPrinter } from './link/packet-printer.js';
export { PacketView, TcpFlag } from './link/packet-view.js';
export type { CaptureSink } from './link/pcapng.js';
export type { ActiveRule, LinkRule, PacketMatch, Verdict } from './link/rules.js';
export type { NetStack } from './netstack/netstack.js';
export { PROFILES, type Profile, type ProfileName } from './netstack/profile.js';
export { checkDeterminism } from './sim/check-determinism.js';
export type { Host, HostOptions } from './sim/host.js';
export type { HostUdp, UdpEnd, UdpOptions } from './sim/host-udp.js';
export type { JoinOptions, Lan, LanOptions } from './sim/lan.js';
export { Network, type NetworkOptions } from './sim/network.js';
export type { Partition } from './sim/partition.js';
export { SEED_VARIABLE, SimulationError, type SimulationFailure } from './sim/simulation-error.js';
export type { StackDriver } from './stacks/virtual/driver.js';
export {
  VirtualStack,
  type VirtualHost,
  type VirtualStackLimits,
  type VirtualStackOptions,
} from './stacks/virtual/virtual-stack.js';

export interface LoopbackOptions extends VirtualStackLimits {
  /** Numbers and habits of its TCP/IP. Default: `linux`. */
  readonly profile?: ProfileName | Profile;
  /** Looks names up. Default: `localhost` alone has addresses. */
  readonly lookup?: Lookup;
}

/**
 * Returns the stack of a host that has nothing but its loopback interface, in the machine's time: clients and
 * servers of this process reach each other at 127.0.0.1 and ::1, without the system's network. `Network`
 * makes hosts in virtual time.
 */
export function virtualStack({ profile = 'linux', ...options }: LoopbackOptions = {}): VirtualStack {
  const driver = new RealTimeDriver();
  const netstack = new NetStack({
    profile: typeof profile === 'string' ? PROFILES[profile] : profile,
    random: systemRandom,
    frames: new FramePool(),
    nowMs: driver.clock.nowMs(),
    clock: driver.clock,
    onWork: () => {
      driver.wake();
    },
  });
  const stack = new VirtualStack({ ...options, netstack, driver });
  driver.begin({ host: netstack, stack, flush: () => undefined });
  return stack;
}
