/**
 * Tables of the documentation that are made from the code and from kept results: `npm run docs` writes them,
 * and a test checks that each page has what would be written.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AsyncClient, ErrorCode } from 'asynctcp';
import {
  DEFAULT_EVENT_SOURCE_LIMITS,
  DEFAULT_FOLDER_LIMITS,
  DEFAULT_LIMITS,
  DEFAULT_WEB_SOCKET_LIMITS,
} from 'asynctcp-web';
import { markdownTable } from 'markdown-table';
import { PROFILES, type Profile } from 'asynctcp/virtual';
import { rangeText, SYMBOLS, type ConfigurationSymbol } from '#src/asynctcp/configuration.js';
import type { Report } from '../../bench/save.js';
import { scaleTableRows, type ScaleReport } from '../../bench/scale-table.js';
import { virtualTableRows, type VirtualReport } from '../../bench/virtual/figures.js';
import { hookCpuRows, webTableRows } from '../../bench/web-table.js';
import { Page, ROOT } from './pages.js';

interface Table {
  /** Path of the page from the repository's root. */
  readonly page: string;
  /** Lines of the page between which the table stands. */
  readonly begin: string;
  readonly end: string;
  readonly rows: () => string[][];
}

function standardText(symbol: ConfigurationSymbol): string {
  return symbol.default === undefined ? 'the stack’s own' : String(symbol.default);
}

function symbolRow(symbol: ConfigurationSymbol): string[] {
  const range = rangeText(symbol);
  return [`\`${symbol.symbol}\``, `\`${symbol.option}\``, range, standardText(symbol), symbol.meaning];
}

function codeRow([name, code]: [string, ErrorCode]): string[] {
  return [`\`${name}\``, String(code).replace('-', '−'), AsyncClient.errorToString(code)];
}

/** The limits of asynctcp-web: each has its meaning and its answer in its doc comment. */
const LIMITS_SOURCE = readFileSync(`${ROOT}web/src/limits.ts`, 'utf8');
const LIMIT = /\/\*\*((?:(?!\*\/).)*)\*\/\s+readonly (\w+): number;/gs;

/** Returns the doc comments of an interface of limits by the names of its members. */
function limitDocs(name: string): Map<string, string> {
  const [, parent, body = ''] =
    new RegExp(`^export interface ${name}(?: extends (\\w+))? {(.*?)^}`, 'ms').exec(LIMITS_SOURCE) ?? [];
  const docs = parent === undefined ? new Map<string, string>() : limitDocs(parent);
  for (const [, doc = '', member = ''] of body.matchAll(LIMIT)) {
    docs.set(member, doc.replace(/\s+\*?\s*/g, ' ').trim());
  }
  return docs;
}

/** Returns a row for each limit. */
function limitRows(name: string, defaults: object): string[][] {
  const docs = limitDocs(name);
  const rows = Object.entries(defaults).map(([limit, value]: [string, number]) => {
    const doc = docs.get(limit);
    if (doc === undefined) throw new Error(`${limit} of ${name} has no doc comment`);
    return [`\`${limit}\``, value.toLocaleString('en'), doc];
  });
  return [['limit', 'default', 'bounds: answer'], ...rows];
}

function limitTable(place: string, name: string, defaults: object): Table {
  return {
    page: 'docs/web.md',
    begin: `<!-- limits of ${place}: made by \`npm run docs\` -->\n`,
    end: `<!-- end of the limits of ${place} -->`,
    rows: () => limitRows(name, defaults),
  };
}

/** Returns the results of the last `npm run bench -- --web` that was kept. */
function webResults(): Report['results'] {
  const report = JSON.parse(readFileSync(`${ROOT}bench/results/web.json`, 'utf8')) as Report;
  return report.results;
}

/** Returns the results of the last `npm run bench -- --virtual`. */
function virtualResults(): VirtualReport {
  return JSON.parse(readFileSync(`${ROOT}bench/results/virtual.json`, 'utf8')) as VirtualReport;
}

/** Returns the results of the last `npm run bench:scale -- --save`. */
function scaleResults(): ScaleReport {
  return JSON.parse(readFileSync(`${ROOT}bench/results/scale.json`, 'utf8')) as ScaleReport;
}

/** What the table of profiles has, by its rows. */
const PROFILE_ROWS: readonly (readonly [
  name: string,
  value: (profile: Profile) => string | number | boolean | undefined,
])[] = [
  ['largest segment, bytes', ({ tcp }) => tcp.mss],
  ['send buffer, bytes', ({ tcp }) => tcp.sendBufferBytes],
  ['receive window, bytes', ({ tcp }) => tcp.receiveWindowBytes],
  ['segments of the send queue', ({ tcp }) => tcp.sendQueueSegments],
  ['window scaling', ({ tcp }) => tcp.windowScale !== undefined],
  ['timestamps', ({ tcp }) => tcp.timestamps],
  ['SACK', ({ tcp }) => tcp.sack],
  ['loss recovery', ({ tcp }) => tcp.recovery],
  ['congestion control', ({ tcp }) => tcp.congestion],
  ['first retransmission, ms', ({ tcp }) => tcp.initialRtoMs],
  ['shortest, longest, ms', ({ tcp }) => `${tcp.minRtoMs}, ${tcp.maxRtoMs}`],
  ['retransmissions of data, of SYN', ({ tcp }) => `${tcp.maxRetransmissions}, ${tcp.synRetransmissions}`],
  ['delayed acknowledgement, ms', ({ tcp }) => tcp.delayedAckMs],
  ['TIME_WAIT, ms', ({ tcp }) => tcp.timeWaitMs],
  ['connections at once', ({ tcp }) => tcp.maxConnections],
  ['listeners', ({ tcp }) => tcp.maxListeners],
  ['segments out of order that are kept', ({ tcp }) => tcp.outOfOrderSegments],
  ['ARP entries', ({ ip }) => ip.arp.entries],
  ['puts IP fragments together', ({ ip }) => ip.reassembly !== undefined],
];

function profileText(value: string | number | boolean | undefined): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return value === undefined ? 'no limit of its own' : String(value);
}

function profileRows(): string[][] {
  const profiles = Object.values(PROFILES);
  const rows = PROFILE_ROWS.map(([name, value]) => [
    name,
    ...profiles.map((profile) => profileText(value(profile))),
  ]);
  return [['', ...profiles.map(({ name }) => `\`${name}\``)], ...rows];
}

export const TABLES: readonly Table[] = [
  {
    page: 'docs/virtual.md',
    begin: '<!-- profiles: made by `npm run docs` -->\n',
    end: '<!-- end of the profiles -->',
    rows: profileRows,
  },
  {
    page: 'docs/configuration.md',
    begin: '<!-- configuration table: made by `npm run docs` -->\n',
    end: '<!-- end of the configuration table -->',
    rows: () => [['symbol', 'option', 'range', 'default', 'meaning'], ...SYMBOLS.map(symbolRow)],
  },
  {
    page: 'docs/api.md',
    begin: '<!-- error codes: made by `npm run docs` -->\n',
    end: '<!-- end of the error codes -->',
    rows: () => [['name', 'code', '`errorToString`'], ...Object.entries(ErrorCode).map(codeRow)],
  },
  limitTable('the server', 'Limits', DEFAULT_LIMITS),
  limitTable('a WebSocket', 'WebSocketLimits', DEFAULT_WEB_SOCKET_LIMITS),
  limitTable('an event source', 'EventSourceLimits', DEFAULT_EVENT_SOURCE_LIMITS),
  limitTable('a folder', 'FolderLimits', DEFAULT_FOLDER_LIMITS),
  {
    page: 'docs/performance.md',
    begin: '<!-- web figures: made by `npm run docs` from bench/results/web.json -->\n',
    end: '<!-- end of the web figures -->',
    rows: () => webTableRows(webResults()),
  },
  {
    page: 'docs/performance.md',
    begin: '<!-- virtual networks: made by `npm run docs` from bench/results/virtual.json -->\n',
    end: '<!-- end of the virtual networks -->',
    rows: () => virtualTableRows(virtualResults()),
  },
  {
    page: 'docs/scale.md',
    begin: '<!-- scale figures: made by `npm run docs` from bench/results/scale.json -->\n',
    end: '<!-- end of the scale figures -->',
    rows: () => scaleTableRows(scaleResults()),
  },
  {
    page: 'README.md',
    begin: '<!-- web figures: made by `npm run docs` from bench/results/web.json -->\n',
    end: '<!-- end of the web figures -->',
    rows: () => hookCpuRows(webResults()),
  },
];

/** Returns the text of the table's page as it should be. */
export function withTable({ page, begin, end, rows }: Table): string {
  const { text } = new Page(page);
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`${page} has no place for its table`);
  const table = markdownTable(rows(), { alignDelimiters: false });
  return `${text.slice(0, from + begin.length)}\n${table}\n\n${text.slice(to)}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const table of TABLES) writeFileSync(ROOT + table.page, withTable(table));
}
