/** Checks the options of links. */
import {
  checkFlag,
  checkNames,
  checkRange,
  checkWhole,
  checkWord,
  showValue,
} from '../support/check-options.js';
import { DISTRIBUTIONS, type Impairments } from './impairments.js';
import type { LinkOptions } from './link.js';

type Check = (name: string, value: unknown) => void;

const range =
  (least: number, most: number): Check =>
  (name, value) => {
    checkRange(name, value, least, most);
  };
const whole =
  (least: number, most: number): Check =>
  (name, value) => {
    checkWhole(name, value, least, most);
  };
const chance = range(0, 1);
const MOST_PACKETS = 1e6;
const MOST_DELAY_MS = 86_400_000;
const MOST_INTERVAL_MS = 3_600_000;
const LEAST_INTERVAL_MS = 0.001;

/** Checks an option that is an object; `isSwitch`: `true` and `false` are allowed as well. */
function group(fields: Readonly<Record<string, Check>>, needed?: string, isSwitch = false): Check {
  return (name, value) => {
    if (value === undefined || (isSwitch && typeof value === 'boolean')) return;
    if (typeof value !== 'object' || value === null) {
      const allowed = isSwitch ? 'true, false or an object' : 'an object';
      throw new TypeError(`${name} must be ${allowed}, not ${showValue(value)}`);
    }
    checkNames(name, value, Object.keys(fields));
    if (needed !== undefined && Reflect.get(value, needed) === undefined) {
      throw new RangeError(`${name} needs its ${needed}`);
    }
    for (const [field, check] of Object.entries(fields)) check(`${name}.${field}`, Reflect.get(value, field));
  };
}

function checkDropList(name: string, list: unknown): void {
  if (list === undefined) return;
  if (!Array.isArray(list)) {
    throw new RangeError(`${name} must be a list of numbers of packets, not ${showValue(list)}`);
  }
  for (const [index, number] of list.entries()) {
    if (number === undefined) throw new RangeError(`${name}[${index}] must be the number of a packet`);
    checkWhole(`${name}[${index}]`, number, 1, Number.MAX_SAFE_INTEGER);
  }
}

const CHECKS: Readonly<Record<keyof Impairments, Check>> = {
  pathMtu: whole(68, 65_535),
  blackHole: checkFlag,
  loss: chance,
  burstLoss: group({ p: chance, r: chance, h: chance, k: chance }, 'p'),
  dropList: checkDropList,
  duplicate: chance,
  corrupt: chance,
  queue: group({
    packets: whole(1, MOST_PACKETS),
    bytes: range(1, 1e12),
    codel: group(
      { targetMs: range(0, MOST_INTERVAL_MS), intervalMs: range(LEAST_INTERVAL_MS, MOST_INTERVAL_MS) },
      undefined,
      true,
    ),
  }),
  bitsPerSecond: range(1, 1e12),
  overheadBytes: range(-1500, 65_535),
  slotMs: range(0, MOST_INTERVAL_MS),
  slotPackets: whole(1, MOST_PACKETS),
  delayMs: range(0, MOST_DELAY_MS),
  jitterMs: range(0, MOST_DELAY_MS),
  distribution: (name, value) => {
    checkWord(name, value, DISTRIBUTIONS);
  },
  reorder: group({ percent: range(0, 100), gap: whole(1, MOST_PACKETS) }, 'percent'),
  powerSave: group(
    {
      beaconMs: range(LEAST_INTERVAL_MS, MOST_INTERVAL_MS),
      dtim: whole(1, 255),
      awakeMs: range(0, MOST_INTERVAL_MS),
    },
    undefined,
    true,
  ),
};

const IMPAIRMENTS: readonly string[] = Object.keys(CHECKS).sort();
const LINK_OPTIONS: readonly string[] = [
  ...IMPAIRMENTS,
  'medium',
  'mtu',
  'forward',
  'backward',
  'nat',
].sort();

/**
 * Checks the options of a link, but for those of its NAT.
 * @param holder has the options, with its article: `a link`.
 * @throws RangeError, TypeError as `checkImpairments`.
 */
export function checkLinkOptions(holder: string, options: LinkOptions): void {
  checkNames(holder, options, LINK_OPTIONS);
  checkWhole('mtu', options.mtu, 68, 65_535);
  checkWord('medium', options.medium, ['ip', 'ethernet']);
  checkAll(options);
  for (const direction of [options.forward, options.backward]) {
    if (direction !== undefined) checkImpairments(direction);
  }
}

/**
 * Checks impairments, and returns them.
 * @throws RangeError for a value that is not allowed; TypeError for a name that is none, and for what is of
 *   another type.
 */
export function checkImpairments(options: Impairments): Impairments {
  checkNames('a direction of a link', options, IMPAIRMENTS);
  checkAll(options);
  return options;
}

function checkAll(options: Impairments): void {
  for (const [name, check] of Object.entries(CHECKS)) check(name, Reflect.get(options, name));
}
