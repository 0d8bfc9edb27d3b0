/**
 * The options by which `asynctcp serve` runs on the stack `virtual`: as a host of its own on a TAP device,
 * which this machine reaches by the device's other end.
 */
import { isIP } from 'node:net';
import { userInfo } from 'node:os';
import type { ProfileName, TapHost } from '../tap.js';
import { CommandError, wrongArguments, type Arguments, type Option } from './command.js';

const DEFAULT_ADDRESS = '10.0.0.2/24';
const DEFAULT_PROFILE: ProfileName = 'linux';
const PROFILE_NAMES: readonly ProfileName[] = ['linux', 'lwip', 'esp32', 'arduino'];
/** Shortest and longest prefix by the family: the last part of an address may be any number. */
const PREFIX_BITS: Readonly<Record<number, readonly [least: number, most: number]>> = {
  4: [8, 24],
  6: [16, 112],
};
/** Value of `--stack`, beside those of the configuration. */
const STACK = 'virtual';

const TAP: Option = {
  name: 'tap',
  value: 'NAME',
  meaning: `TAP device of Linux, such as tap0, on which the services are a host of their own, with this library’s own TCP/IP (--stack ${STACK})`,
};
const ADDRESS: Option = {
  name: 'address',
  value: 'IP/LENGTH',
  repeatable: true,
  meaning: `with --tap: address of that host and length of its network’s prefix (default ${DEFAULT_ADDRESS})`,
};
const PROFILE: Option = {
  name: 'profile',
  value: 'NAME',
  meaning: `with --tap: numbers and habits of that host’s TCP/IP: ${PROFILE_NAMES.join(', ')} (default ${DEFAULT_PROFILE})`,
};

export const TWIN_OPTIONS: readonly Option[] = [TAP, ADDRESS, PROFILE];

/** A host on a TAP device that serves. */
export interface Twin {
  readonly host: TapHost;
  /** The first address, without the length of the prefix. */
  readonly address: string;
  /** Text for the first line of the output. */
  readonly title: string;
}

/** Returns true if the command line asks for a host on a TAP device. */
export function wantsTwin(given: Arguments): boolean {
  const stack = given.value('stack');
  const device = given.value(TAP.name);
  if (stack === STACK && device === undefined) {
    throw wrongArguments(`--stack ${STACK} needs --${TAP.name} NAME, the device on which it is reached`);
  }
  if (device === undefined) {
    const lonely = given.values(ADDRESS.name).length > 0 ? ADDRESS : PROFILE;
    const isGiven = lonely === ADDRESS || given.value(PROFILE.name) !== undefined;
    if (isGiven) throw wrongArguments(`--${lonely.name} needs --${TAP.name} NAME`);
    return false;
  }
  if (stack === undefined || stack === STACK) return true;
  throw wrongArguments(`--${TAP.name} is for the stack ${STACK}, not ${stack}`);
}

/**
 * Opens the device.
 * @throws CommandError with the lines to type if the device is missing or not set up, and with the remedy for
 *   all else.
 */
export async function beginTwin(args: Arguments): Promise<Twin> {
  const device = args.value(TAP.name) ?? '';
  const given = args.values(ADDRESS.name);
  const addresses = given.length > 0 ? given : [DEFAULT_ADDRESS];
  const kernelAddresses = addresses.map(neighbourOf);
  const profile = readProfile(args.value(PROFILE.name));
  const lines = setupLines(device, kernelAddresses);
  const host = await open(device, addresses, profile, lines);
  const { isUp, hasAddress } = host.device;
  if (!isUp || (!hasAddress && kernelAddresses.some((address) => !address.includes(':')))) {
    await host.end();
    const lack = isUp ? `${device} has no address` : `${device} is not up`;
    throw new CommandError(`${lack}; type these two lines as root, and try again:`, { lines });
  }
  const [address = ''] = addresses.map((each) => each.replace(/\/.*/, ''));
  return { host, address, title: `Listening on ${device} as ${addresses.join(' and ')}, profile ${profile}` };
}

/** Returns the two lines that set a device up for this user. */
export function setupLines(device: string, kernelAddresses: readonly string[]): readonly string[] {
  const set = kernelAddresses.map((address) => `ip addr add ${address} dev ${device}`);
  return [
    `ip tuntap add dev ${device} mode tap user ${userName()}`,
    [...set, `ip link set ${device} up`].join(' && '),
  ];
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user without an entry in the system's list.
    return String(process.getuid?.() ?? 0);
  }
}

async function open(
  device: string,
  addresses: readonly string[],
  profile: ProfileName,
  lines: readonly string[],
): Promise<TapHost> {
  // Loaded here: no other command needs it.
  const { openTapHost } = await import('../tap.js');
  try {
    return openTapHost({ device, addresses, profile });
  } catch (error) {
    throw refusalOf(error, device, lines);
  }
}

/** Returns what is wrong, and the remedy. */
function refusalOf(error: unknown, device: string, lines: readonly string[]): unknown {
  if (!(error instanceof Error)) return error;
  const code = 'code' in error ? error.code : undefined;
  const isOpening = 'syscall' in error && error.syscall === 'open';
  if (isOpening) {
    const remedy =
      code === 'EACCES'
        ? 'this user may not read and write it'
        : 'modprobe tun as root; a container needs --device /dev/net/tun';
    return new CommandError(`/dev/net/tun cannot be opened (${error.message}): ${remedy}`);
  }
  switch (code) {
    case 'EPERM':
      return new CommandError(`${device} is not there; type these two lines as root, and try again:`, {
        lines,
      });
    case 'EBUSY':
      return new CommandError(`another process has the device ${device}; --${TAP.name} NAME chooses another`);
    case 'EINVAL':
      return new CommandError(`${device} is no TAP device; --${TAP.name} NAME chooses another`);
    case undefined:
      return new CommandError(error.message.replace(/\.$/, ''));
    default:
      return new CommandError(`the device ${device} cannot be used: ${error.message}`);
  }
}

function readProfile(text: string = DEFAULT_PROFILE): ProfileName {
  const name = PROFILE_NAMES.find((each) => each === text);
  if (name !== undefined) return name;
  throw wrongArguments(`--${PROFILE.name} takes ${PROFILE_NAMES.join(', ')}, not ${JSON.stringify(text)}`);
}

/**
 * Returns an address for this machine in the network of a host's address: the one whose last part is 1, or 2
 * if the host has that.
 * @throws CommandError if the text is no address with a prefix of a usual length.
 */
function neighbourOf(text: string): string {
  const [, address = '', digits = ''] = /^([0-9a-fA-F.:]+)\/(\d{1,3})$/.exec(text) ?? [];
  const [least, most] = PREFIX_BITS[isIP(address)] ?? [Number.POSITIVE_INFINITY, 0];
  if (Number(digits) < least || Number(digits) > most) {
    throw wrongArguments(
      `--${ADDRESS.name} takes an address with the length of its prefix, such as ${DEFAULT_ADDRESS} or fd00::2/64, not ${JSON.stringify(text)}`,
    );
  }
  const last = /[0-9a-fA-F]*$/;
  return `${address.replace(last, last.exec(address)?.[0] === '1' ? '2' : '1')}/${digits}`;
}
