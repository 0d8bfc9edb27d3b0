/** Finds the symbol that an unknown name was probably meant to be. */
import { SYMBOLS, namesOf } from './configuration-symbols.js';

/** Prefixes that several symbols share: they make no name similar to another. */
const PREFIX = /^(config_)?(async_tcp_|esp_|lwip_tcp_|lwip_)?/;
/** Largest part of a name that may differ from the name that was meant. */
const LARGEST_SLIP = 1 / 3;

function significant(name: string): string {
  return name.toLowerCase().replace(PREFIX, '');
}

/** Returns the number of characters in which two names differ: Levenshtein's distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let index = 0; index < a.length; index += 1) {
    const next = [index + 1];
    for (let place = 0; place < b.length; place += 1) {
      const changed = (row[place] ?? 0) + (a[index] === b[place] ? 0 : 1);
      next.push(Math.min(changed, (row[place + 1] ?? 0) + 1, (next[place] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

/** Returns the known name that `name` probably misspells, if there is one. */
function nearestOf(name: string, known: readonly string[]): string | undefined {
  const wanted = significant(name);
  const limit = Math.floor(wanted.length * LARGEST_SLIP);
  const near = known
    .map((candidate) => ({ candidate, slips: distance(wanted, significant(candidate)) }))
    .filter(({ slips }) => slips <= limit)
    .sort((a, b) => a.slips - b.slips);
  return near[0]?.candidate;
}

/** Returns the error for an unknown name, with the known name that was probably meant. */
export function unknownSymbol(name: string, isOption: boolean): RangeError {
  // An option's name in the place of a symbol's means that option's symbol.
  const meant = SYMBOLS.find(({ option }) => option === name);
  const known = isOption ? SYMBOLS.map(({ option }) => option) : SYMBOLS.flatMap((symbol) => namesOf(symbol));
  const nearest = meant?.symbol ?? nearestOf(name, known);
  const hint =
    nearest === undefined
      ? 'docs/configuration.md lists them, "asynctcp run --help" at its end'
      : `the nearest known one is ${nearest}`;
  return new RangeError(`unknown configuration symbol ${name}; ${hint}`);
}
