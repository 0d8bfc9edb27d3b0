/**
 * Finds the source of a place in a running script by the script's source map (ECMA-426), if there is a
 * readable one.
 */
import { readFileSync, statSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

export interface Script {
  readonly url: string;
  /** The script's `sourceMappingURL`; '' if it has none. */
  readonly sourceMapUrl: string;
}

export interface Position {
  /** The path of a file, else a URL. */
  readonly file: string;
  /** From 1 on. */
  readonly line: number;
  readonly column: number;
}

/** Returns the path of a file URL; any other URL as it is. */
function pathOf(url: string): string {
  try {
    return url.startsWith('file:') ? fileURLToPath(url) : url;
  } catch {
    return url;
  }
}

interface ReadMap {
  readonly map: SourceMap;
  readonly base: string;
}

/** A larger map would delay the watchdog's report too much. */
const MAX_MAP_BYTES = 4 * 1024 * 1024;

const maps = new WeakMap<Script, ReadMap | undefined>();

/** Returns the map of a script. It is read once, because many calls of a backtrace are in the same script. */
function mapOf(script: Script): ReadMap | undefined {
  if (!maps.has(script)) maps.set(script, readMap(script));
  return maps.get(script);
}

function readMap(script: Script): ReadMap | undefined {
  if (script.sourceMapUrl === '' || script.sourceMapUrl.length > MAX_MAP_BYTES) return undefined;
  try {
    // The URL of a script in CommonJS is a path.
    const scriptUrl = script.url.startsWith('/') ? pathToFileURL(script.url).href : script.url;
    const url = new URL(script.sourceMapUrl, scriptUrl);
    const comma = url.href.indexOf(',');
    const isBase64 = url.href.slice(0, comma).endsWith(';base64');
    const text =
      url.protocol === 'data:'
        ? isBase64
          ? Buffer.from(url.href.slice(comma + 1), 'base64').toString()
          : decodeURIComponent(url.href.slice(comma + 1))
        : readSmallFile(url);
    const payload = JSON.parse(text) as SourceMapPayload;
    const mapUrl = url.protocol === 'data:' ? scriptUrl : url.href;
    const root = typeof payload.sourceRoot === 'string' ? payload.sourceRoot.replace(/\/*$/, '/') : '/';
    const base = root === '/' || !URL.canParse(root, mapUrl) ? mapUrl : new URL(root, mapUrl).href;
    return { map: new SourceMap(payload), base };
  } catch {
    // The map is missing or broken: the place in the script itself is used.
    return undefined;
  }
}

function readSmallFile(url: URL): string {
  if (statSync(url).size > MAX_MAP_BYTES) throw new RangeError('the map is too large');
  return readFileSync(url, 'utf8');
}

/**
 * Returns the source of a place, or the place itself if its script has no readable map.
 * @param line from 0 on.
 * @param column from 0 on.
 */
export function sourcePosition(script: Script, line: number, column: number): Position {
  const own = { file: pathOf(script.url), line: line + 1, column: column + 1 };
  const found = mapOf(script);
  if (found === undefined) return own;
  const entry = found.map.findEntry(line, column);
  if (!('originalSource' in entry) || typeof entry.originalSource !== 'string') return own;
  // The entry is the nearest one before the place, and may belong to an earlier line.
  if (entry.generatedLine !== line) return own;
  const { originalSource, originalLine, originalColumn } = entry;
  const file = URL.canParse(originalSource, found.base)
    ? new URL(originalSource, found.base).href
    : originalSource;
  return { file: pathOf(file), line: originalLine + 1, column: originalColumn + 1 };
}
