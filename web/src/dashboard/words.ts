/** Figures in words, as the verdict says them. */

const STEPS: readonly (readonly [ms: number, unit: string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
];

/** Returns a duration with its largest unit, such as `42 s`, `3 min` or `1.5 h`. */
export function durationText(ms: number): string {
  for (const [unitMs, unit] of STEPS) {
    if (ms < unitMs) continue;
    const value = ms / unitMs;
    return `${value < 10 && unit !== 'min' ? Math.floor(value * 10) / 10 : Math.floor(value)} ${unit}`;
  }
  return `${Math.max(0, Math.floor(ms / 1000))} s`;
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Returns a number of bytes with three digits, such as `64.0 kB`. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${UNITS[unit] ?? ''}`;
}

/** Returns a number with its noun: `1 connection`, `2 connections`. */
export function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Returns an address with its port: IPv6 in brackets. */
export function endpointText(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
