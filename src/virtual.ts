/**
 * The door `asynctcp/virtual`: networks that run in a program, under one clock and one seed. AsyncClient,
 * AsyncServer and asynctcp/net take the stack of a host.
 */
import './composition.js';

export { type Capture } from './link/capture.js';
export type { Direction, LinkTap } from './link/direction.js';
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
export { TcpFlag, type PacketView } from './link/packet-view.js';
export type { CaptureSink } from './link/pcapng.js';
export type { ActiveRule, LinkRule, PacketMatch, Verdict } from './link/rules.js';
export { PROFILES, type Profile, type ProfileName } from './netstack/profile.js';
export { checkDeterminism } from './sim/check-determinism.js';
export type { Host, HostOptions } from './sim/host.js';
export type { JoinOptions, Lan, LanOptions } from './sim/lan.js';
export { Network, type NetworkOptions, type Partition } from './sim/network.js';
export { SimulationError, type SimulationFailure } from './sim/simulation-error.js';
export type { VirtualStack, VirtualStackLimits } from './stacks/virtual/virtual-stack.js';
