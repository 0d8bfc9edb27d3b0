/** Numbers in a form for people. */

const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P'];

/** Returns bytes with a decimal unit and three digits: `812 B`, `1.25 kB`, `20.0 MB`. */
export function bytesText(bytes: number): string {
  let value = Math.round(bytes);
  let prefix = 0;
  // From 999.5 on the value would be rounded to four digits.
  while (value >= 999.5 && prefix < PREFIXES.length - 1) {
    value /= 1000;
    prefix += 1;
  }
  return `${prefix === 0 ? String(value) : value.toPrecision(3)} ${PREFIXES[prefix] ?? ''}B`;
}

/** Returns a number with its noun: `1 connection`, `2 connections`. */
export function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
