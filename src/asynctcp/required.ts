/** The option `require`: the capabilities that a program needs of its stack. */
import type { Capabilities } from '../port/capabilities.js';
import type { TcpStack } from '../port/tcp-stack.js';
import { isObject, show } from './check.js';

/**
 * Capabilities that a stack must have. `peer` and `exact` are more than `local` and `bounded`, and `true` is
 * more than `false`: a stack that can do more than is required is accepted.
 */
export type RequiredCapabilities = Partial<Capabilities>;

/** The values of a capability, the least first. */
const RANKS: Readonly<Record<keyof Capabilities, readonly [unknown, unknown]>> = {
  acknowledgement: ['local', 'peer'],
  receiveWindow: ['bounded', 'exact'],
  abort: [false, true],
  halfClose: [false, true],
  keepAlive: [false, true],
  keepAliveProbes: [false, true],
  ipv6: [false, true],
  connectReusePort: [false, true],
  reusePort: [false, true],
  pathMss: [false, true],
  virtualTime: [false, true],
};

/**
 * Refuses a stack that lacks a required capability.
 * @throws TypeError for a value that is no object; RangeError for an unknown capability or value, and for a
 *   stack that lacks a capability.
 */
export function checkRequired(required: unknown, { name, capabilities }: TcpStack): void {
  if (required === undefined) return;
  if (!isObject(required)) throw new TypeError(`require must be an object, not ${show(required)}`);
  for (const [capability, value] of Object.entries(required) as [string, unknown][]) {
    if (value === undefined) continue;
    if (!isCapability(capability)) {
      const known = Object.keys(RANKS).join(', ');
      throw new RangeError(`require must name capabilities (${known}), not ${show(capability)}`);
    }
    const [least, most] = RANKS[capability];
    if (value !== least && value !== most) {
      const values = `${show(least)} or ${show(most)}`;
      throw new RangeError(`require.${capability} must be ${values}, not ${show(value)}`);
    }
    const has = capabilities[capability];
    if (value === most && has !== most) {
      throw new RangeError(
        `the ${name} stack cannot meet require.${capability} ${show(value)}: it has ${show(has)}`,
      );
    }
  }
}

function isCapability(name: string): name is keyof Capabilities {
  return Object.hasOwn(RANKS, name);
}
