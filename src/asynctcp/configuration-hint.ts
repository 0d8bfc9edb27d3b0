/** Finds the symbol that somebody meant who wrote a name that there is not. */
import { SYMBOLS, namesOf } from './configuration-symbols.js';

/** The names of several symbols begin so: what they have in common makes no name related to another. */
const PREFIX = /^(config_)?(async_tcp_|esp_|lwip_tcp_|lwip_)?/;
/** A name is a slip of the pen of another one if at most this part of it differs. */
const LARGEST_SLIP = 1 / 3;

function significant(name: string): string {
  return name.toLowerCase().replace(PREFIX, '');
}

/** Returns how many characters two names differ in: Levenshtein's distance. */
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

/** Returns the known name of which `name` is a slip of the pen, if there is one. */
function nearestOf(name: string, known: readonly string[]): string | undefined {
  const wanted = significant(name);
  const limit = Math.floor(wanted.length * LARGEST_SLIP);
  const near = known
    .map((candidate) => ({ candidate, slips: distance(wanted, significant(candidate)) }))
    .filter(({ slips }) => slips <= limit)
    .sort((a, b) => a.slips - b.slips);
  return near[0]?.candidate;
}

/** Returns the error for a name that there is not, with the one that was probably meant. */
export function unknownSymbol(name: string, isOption: boolean): RangeError {
  // Whoever writes the one kind of name where the other belongs means that symbol.
  const meant = SYMBOLS.find(({ option }) => option === name);
  const known = isOption ? SYMBOLS.map(({ option }) => option) : SYMBOLS.flatMap((symbol) => namesOf(symbol));
  const nearest = meant?.symbol ?? nearestOf(name, known);
  const hint =
    nearest === undefined
      ? 'docs/configuration.md lists them, "asynctcp run --help" at its end'
      : `the nearest known one is ${nearest}`;
  return new RangeError(`unknown configuration symbol ${name}; ${hint}`);
}
