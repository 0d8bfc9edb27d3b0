/**
 * The door `asynctcp/tap`: this package's own TCP/IP as a host beside this machine, on a TAP or TUN device of
 * Linux. AsyncClient and AsyncServer take its stack; curl, nc and Wireshark of this machine talk to them.
 */
import './composition.js';
import { TapDevice } from './link/tap-node.js';
import type { Device } from './netstack/device.js';
import { FramePool } from './netstack/frame.js';
import { NetStack, type NetInterface } from './netstack/netstack.js';
import { PROFILES, type Profile, type ProfileName } from './netstack/profile.js';
import type { TcpStack } from './port/tcp-stack.js';
import { RealTimeDriver } from './stacks/virtual/real-time-driver.js';
import { VirtualStack, type VirtualStackLimits } from './stacks/virtual/virtual-stack.js';
import { systemClock } from './support/clock.js';
import { systemRandom } from './support/random.js';

export { TapDevice } from './link/tap-node.js';
export type { Device } from './netstack/device.js';
export type { Frame } from './netstack/frame.js';
export { PROFILES, type Profile, type ProfileName } from './netstack/profile.js';

export interface TapHostOptions extends VirtualStackLimits {
  /** Name of the interface, such as `tap0`. It is created if it is not there and the process may. */
  readonly device: string;
  /** `tap` for Ethernet (default), `tun` for IP packets alone. */
  readonly kind?: 'tap' | 'tun';
  /** Addresses of the host with the lengths of their prefixes: `10.0.0.2/24`, `fd00::2/64`. */
  readonly addresses: readonly string[];
  /** Address of a router, for all that is on no link of the host: this machine, if it forwards. */
  readonly gateway?: string;
  /** Ethernet address, `02:00:00:00:00:01`; one by chance if not given. */
  readonly mac?: string;
  /** Numbers and habits of its TCP/IP. Default: `linux`. */
  readonly profile?: ProfileName | Profile;
  /** Puts something between the host and its device, such as a recorder or a lossy link. */
  readonly wrap?: (device: TapDevice) => Device & { onReceive: TapDevice['onReceive'] };
}

/** A host on a TAP or TUN device. */
export interface TapHost {
  /** The stack for AsyncClient and AsyncServer. */
  readonly stack: TcpStack;
  /** TCP/IP below the stack, for figures. */
  readonly netstack: NetStack;
  readonly device: TapDevice;
  /** Leaves the device. The connections of the host are reset. */
  end(): Promise<void>;
}

/**
 * Begins a host on a device. The process stays alive until `end`.
 * @throws Error if the native addon does not load; an Error with the system's `code`, such as EPERM and
 *   EBUSY, if the device cannot be opened; TypeError or RangeError for an address that is none.
 */
export function openTapHost(options: TapHostOptions): TapHost {
  const { device: name, kind, addresses, gateway, mac, wrap, profile = 'linux', ...limits } = options;
  const frames = new FramePool();
  const device = new TapDevice({ name, kind, frames });
  try {
    const netstack = new NetStack({
      profile: typeof profile === 'string' ? PROFILES[profile] : profile,
      random: systemRandom,
      frames,
      nowMs: systemClock.nowMs(),
      clock: systemClock,
      onWork: () => {
        driver.wake();
      },
    });
    const driver: RealTimeDriver = new RealTimeDriver();
    const stack = new VirtualStack({ ...limits, netstack, driver });
    const outer = wrap?.(device) ?? device;
    const netInterface = netstack.attach(outer, { addresses, name, ...(mac === undefined ? {} : { mac }) });
    if (gateway !== undefined) addDefaultRoutes(netstack, netInterface, gateway);
    outer.onReceive = (frame) => {
      netInterface.receive(frame);
    };
    device.onBatchEnd = () => {
      driver.run();
    };
    device.keepProcess(true);
    driver.begin({ host: netstack, stack, flush: () => device.flush() });
    return { stack, netstack, device, end: () => endHost(stack, driver, device) };
  } catch (error) {
    device.close();
    throw error;
  }
}

function addDefaultRoutes(netstack: NetStack, netInterface: NetInterface, gateway: string): void {
  netstack.addRoute(gateway.includes(':') ? '::/0' : '0.0.0.0/0', { gateway, netInterface });
}

async function endHost(stack: TcpStack, driver: RealTimeDriver, device: TapDevice): Promise<void> {
  await stack.close();
  // The resets leave first. Handlers and jobs of the program still run behind them.
  driver.run();
  device.close();
}
