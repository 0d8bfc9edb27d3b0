/** Numbers as people read them. */

const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P'];

/** Decimal units and three digits: `812 B`, `1.25 kB`, `20.0 MB`. */
export function bytesText(bytes: number): string {
  let value = Math.round(bytes);
  let prefix = 0;
  // 999.5 would be rounded to four digits.
  while (value >= 999.5 && prefix < PREFIXES.length - 1) {
    value /= 1000;
    prefix += 1;
  }
  return `${prefix === 0 ? String(value) : value.toPrecision(3)} ${PREFIXES[prefix] ?? ''}B`;
}

/** `1 connection`, `2 connections`. */
export function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
