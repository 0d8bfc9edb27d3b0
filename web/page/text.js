/** Figures as the page writes them. */

export const UNKNOWN = 'unknown';

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Returns a number of bytes with three digits, such as `64.0 kB`. */
export function bytes(value) {
  if (value === undefined || value === null) return UNKNOWN;
  let rest = value;
  let unit = 0;
  while (rest >= 999.5 && unit < UNITS.length - 1) {
    rest /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || rest >= 99.95 ? 0 : rest >= 9.995 ? 1 : 2;
  return `${rest.toFixed(digits)} ${UNITS[unit]}`;
}

export function rate(value) {
  return value === undefined ? UNKNOWN : `${bytes(value)}/s`;
}

const STEPS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
];

/** Returns a duration with its largest unit, such as `42 s`, `3 min` or `1.5 h`. */
export function duration(ms) {
  if (ms === undefined) return UNKNOWN;
  for (const [unitMs, unit] of STEPS) {
    if (ms < unitMs) continue;
    const value = ms / unitMs;
    return `${value < 10 && unit !== 'min' ? Math.floor(value * 10) / 10 : Math.floor(value)} ${unit}`;
  }
  return `${Math.max(0, Math.floor(ms / 1000))} s`;
}

/** Returns a short time in milliseconds, such as `0.35 ms`. */
export function millis(ms) {
  if (ms === undefined || ms === null) return UNKNOWN;
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  // `toPrecision` writes 99.5 and more as 1.0e+2.
  return `${ms >= 99.5 ? Math.round(ms) : ms.toPrecision(2)} ms`;
}

const COUNTS = new Intl.NumberFormat('en');

export function count(value) {
  return value === undefined || value === null ? UNKNOWN : COUNTS.format(value);
}

const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });

/** Returns a time of day, with the day if it is another one than that of `nowMs`. */
export function time(atMs, nowMs = atMs) {
  if (atMs === undefined) return UNKNOWN;
  const at = new Date(atMs);
  const clock = CLOCK.format(at);
  return at.toDateString() === new Date(nowMs).toDateString() ? clock : `${DAY.format(at)}, ${clock}`;
}

/** Returns an address with its port: IPv6 in brackets. */
export function endpoint(address, port) {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
