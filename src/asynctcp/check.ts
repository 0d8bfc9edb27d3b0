/**
 * Checks of arguments that users pass, made before anything changes. The error names the argument, the value
 * and the range.
 */
import { ipFamily } from '../support/ip-address.js';
import { isAbortSignal } from '../support/realm.js';
import type { Logger } from '../support/warn.js';

const MAX_PORT = 65535;
/** Receive window of one connection: the range of `CONFIG_LWIP_TCP_WND_DEFAULT`. */
export const MIN_WINDOW_BYTES = 1024;
export const MAX_WINDOW_BYTES = 1_073_741_824;
/** One day. A program that wants a longer timeout switches it off with 0. */
export const MAX_TIMEOUT_S = 86_400;
/** Linux takes at most 127 probes (`TCP_KEEPCNT`) and 32767 s (`TCP_KEEPIDLE`). */
export const MAX_KEEP_ALIVE_PROBES = 127;
export const MAX_KEEP_ALIVE_MS = 32_767_000;
/** RFC 1035 §2.3.4: 255 octets on the wire, of which two are the first length and the root. */
export const MAX_HOST_LENGTH = 253;
/** RFC 1035 §2.3.4. */
const MAX_LABEL_LENGTH = 63;

export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 64 ? `${value.slice(0, 64)}…` : value);
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'object' && value !== null) return Object.prototype.toString.call(value);
  return String(value);
}

/** Returns true if `value` is an object. A caller in JavaScript may pass anything, whatever the types say. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

export function checkObject(name: string, value: unknown): void {
  if (!isObject(value)) throw new TypeError(`${name} must be an object, not ${show(value)}`);
}

export function checkOptions(options: unknown): void {
  checkObject('options', options);
}

export function checkInteger(name: string, value: unknown, least: number, most: number, unit = ''): number {
  if (typeof value !== 'number') {
    throw new TypeError(`${name} must be an integer from ${least} to ${most}${unit}, not ${show(value)}`);
  }
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`${name} must be an integer from ${least} to ${most}${unit}, not ${show(value)}`);
  }
  return value;
}

export function checkNumber(name: string, value: unknown, least: number, most: number, unit: string): number {
  if (typeof value !== 'number') {
    throw new TypeError(`${name} must be a number from ${least} to ${most}${unit}, not ${show(value)}`);
  }
  if (!(value >= least && value <= most)) {
    throw new RangeError(`${name} must be a number from ${least} to ${most}${unit}, not ${show(value)}`);
  }
  return value;
}

export function checkPort(name: string, value: unknown): number {
  return checkInteger(name, value, 0, MAX_PORT);
}

export function checkBoolean(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw new TypeError(`${name} must be true or false, not ${show(value)}`);
  return value;
}

/**
 * Checks the bytes of a receive window, by the range of the configuration's symbol; `undefined` is allowed.
 */
export function checkReceiveWindow(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  return checkInteger('receiveWindow', value, MIN_WINDOW_BYTES, MAX_WINDOW_BYTES, ' bytes');
}

/** Checks the milliseconds within which something must have ended; `undefined` is allowed. */
export function checkWithin(value: unknown): number | undefined {
  return value === undefined ? undefined : checkNumber('withinMs', value, 0, MAX_TIMEOUT_S * 1000, ' ms');
}

export function checkSignal(name: string, value: unknown): AbortSignal | undefined {
  if (value === undefined || isAbortSignal(value)) return value;
  throw new TypeError(`${name} must be an AbortSignal, not ${show(value)}`);
}

export function checkHandler<H>(name: string, value: H | undefined): H | undefined {
  if (value !== undefined && typeof value !== 'function') {
    throw new TypeError(`${name} must be given a function or undefined, not ${show(value)}`);
  }
  return value;
}

const LOGGER_METHODS = ['info', 'warn', 'error'] as const;

/** Checks a logger of the program; `undefined` is allowed. */
export function checkLogger(name: string, value: Logger | undefined): Logger | undefined {
  if (value === undefined) return undefined;
  checkObject(name, value);
  for (const method of LOGGER_METHODS) {
    const found: unknown = Reflect.get(value, method);
    if (typeof found === 'function') continue;
    const methods = LOGGER_METHODS.join(', ');
    throw new TypeError(`${name} must have the methods ${methods}; its ${method} is ${show(found)}`);
  }
  return value;
}

/** Checks for an IP address or a name that a resolver can look up. */
export function checkHost(name: string, value: unknown): string {
  if (typeof value !== 'string') {
    throw new TypeError(`${name} must be a host name or an IP address, not ${show(value)}`);
  }
  if (ipFamily(value) === undefined && !isHostName(value)) {
    throw new RangeError(
      `${name} must be a host name of 1 to ${MAX_HOST_LENGTH} characters or an IP address, not ${show(value)}`,
    );
  }
  return value;
}

export function checkAddress(name: string, value: unknown): string {
  if (typeof value !== 'string') throw new TypeError(`${name} must be an IP address, not ${show(value)}`);
  if (ipFamily(value) === undefined)
    throw new RangeError(`${name} must be an IP address, not ${show(value)}`);
  return value;
}

/**
 * Returns true for labels of RFC 1123 §2.1, also with underscores, as service names have them, and with
 * letters beyond ASCII, which the resolver translates (RFC 5890). A last label of digits alone would be a
 * broken IPv4 address (RFC 3696 §2).
 */
function isHostName(text: string): boolean {
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  if (name.length < 1 || name.length > MAX_HOST_LENGTH) return false;
  const labels = name.split('.');
  const isLabel = (label: string): boolean =>
    label.length <= MAX_LABEL_LENGTH &&
    /^[\p{L}\p{N}_]([\p{L}\p{M}\p{N}_-]*[\p{L}\p{M}\p{N}_])?$/u.test(label);
  return labels.every(isLabel) && !/^[0-9]+$/.test(labels.at(-1) ?? '');
}

/**
 * Returns the URL of a program's module as text; the URL of another realm is as good.
 * @throws TypeError for anything else.
 */
export function checkProgram(program: unknown): string {
  if (program instanceof URL) return program.href;
  const href: unknown = isObject(program) ? Reflect.get(program, 'href') : program;
  if (typeof href === 'string' && URL.canParse(href)) return href;
  throw new TypeError(
    `program must be a URL such as new URL('./app.js', import.meta.url), not ${show(program)}`,
  );
}
