/**
 * Tables in the README that are made from the code: `npm run docs` writes them, and a test checks that what
 * stands there is what would be written.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { markdownTable } from 'markdown-table';
import { rangeText, SYMBOLS, type ConfigurationSymbol } from '#src/asynctcp/configuration.js';

const README = fileURLToPath(new URL('../../../README.md', import.meta.url));
const BEGIN = '<!-- configuration table: made by `npm run docs` -->\n';
const END = '<!-- end of the configuration table -->';

function standardText(symbol: ConfigurationSymbol): string {
  return symbol.default === undefined ? 'the stack’s own' : String(symbol.default);
}

function row(symbol: ConfigurationSymbol): string[] {
  const range = rangeText(symbol);
  return [`\`${symbol.symbol}\``, `\`${symbol.option}\``, range, standardText(symbol), symbol.meaning];
}

export function configurationTable(): string {
  const rows = [['symbol', 'option', 'range', 'default', 'meaning'], ...SYMBOLS.map(row)];
  return markdownTable(rows, { alignDelimiters: false });
}

export function readme(): string {
  return readFileSync(README, 'utf8');
}

/** The README as it should be. */
export function readmeWithTables(): string {
  const text = readme();
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error('the README has no place for the configuration table');
  return `${text.slice(0, begin + BEGIN.length)}\n${configurationTable()}\n\n${text.slice(end)}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(README, readmeWithTables());
