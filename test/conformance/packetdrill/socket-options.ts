/**
 * `setsockopt` and `getsockopt`: what the interpreter knows of options, and what means nothing to the stack.
 */
import type { Descriptor } from './descriptor.js';
import type { Value } from './script.js';

/** A setter takes the number, or the structure, of the option. */
type Setter = (descriptor: Descriptor, value: number, structure: ReadonlyMap<string, Value>) => void;

const SECOND = 1000;
const ignored: Setter = () => undefined;

function numberIn(structure: ReadonlyMap<string, Value>, name: string): number {
  const value = structure.get(name);
  return value?.kind === 'number' ? value.value : 0;
}

const SETTERS: Readonly<Record<string, Setter>> = {
  SO_REUSEADDR: ignored,
  SO_REUSEPORT: ignored,
  IP_TOS: ignored,
  IP_MTU_DISCOVER: ignored,
  IP_FREEBIND: ignored,
  SO_SNDBUF: (descriptor, value) => {
    descriptor.sendLimit = value * 2;
  },
  SO_LINGER: (descriptor, _, structure) => {
    descriptor.lingersMs =
      numberIn(structure, 'onoff') === 0 ? undefined : numberIn(structure, 'linger') * SECOND;
  },
  SO_KEEPALIVE: (descriptor, value) => descriptor.setKeepAlive({ isOn: value !== 0 }),
  TCP_KEEPIDLE: (descriptor, value) => descriptor.setKeepAlive({ idleMs: value * SECOND }),
  TCP_KEEPINTVL: (descriptor, value) => descriptor.setKeepAlive({ intervalMs: value * SECOND }),
  TCP_KEEPCNT: (descriptor, value) => descriptor.setKeepAlive({ probes: value }),
  TCP_MAXSEG: (descriptor, value) => {
    descriptor.mss = value;
  },
  TCP_NODELAY: (descriptor, value) => descriptor.setNoDelay(value !== 0),
  TCP_CORK: (descriptor, value) => descriptor.setCork(value !== 0),
  TCP_USER_TIMEOUT: (descriptor, value) => descriptor.setUserTimeout(value),
};

const ERRORS: Readonly<Record<string, number>> = {
  EPIPE: 32,
  ECONNABORTED: 103,
  ECONNRESET: 104,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTUNREACH: 113,
  ENOMEM: 12,
};

const GETTERS: Readonly<Record<string, (descriptor: Descriptor) => number | undefined>> = {
  SO_ERROR: (descriptor) => ERRORS[descriptor.takeError() ?? ''] ?? 0,
  SO_SNDBUF: ({ sendLimit, connection }) => sendLimit ?? connection?.sendBufferBytes,
  TCP_MAXSEG: ({ mss, connection }) => connection?.sendMss ?? mss,
  TCP_NODELAY: ({ noDelay }) => Number(noDelay),
  TCP_CORK: ({ isCorked }) => Number(isCorked),
};

/** Numbers of names in values of options, where the number matters to no option that is known. */
function numberOf(value: Value | undefined): number {
  if (value?.kind === 'list') return numberOf(value.items[0]);
  return value?.kind === 'number' ? value.value : 0;
}

/** Sets an option. Returns false if it is not known. */
export function setOption(descriptor: Descriptor, name: string, value: Value | undefined): boolean {
  const setter = SETTERS[name];
  setter?.(descriptor, numberOf(value), value?.kind === 'struct' ? value.fields : new Map());
  return setter !== undefined;
}

/** Returns the value of an option, and what the script expects; `undefined` if it is not known. */
export function getOption(
  descriptor: Descriptor,
  name: string,
  expected: Value | undefined,
): { readonly seen: number; readonly expected: number } | undefined {
  const seen = GETTERS[name]?.(descriptor);
  const item = expected?.kind === 'list' ? expected.items[0] : expected;
  const wanted = item?.kind === 'names' ? ERRORS[item.names[0] ?? ''] : numberOf(item);
  return seen === undefined || wanted === undefined ? undefined : { seen, expected: wanted };
}
