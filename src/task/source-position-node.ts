/**
 * Where a place in a script that runs was written: through its source map (ECMA-426), if it has one that
 * can be read.
 */
import { readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { fileURLToPath } from 'node:url';

export interface Script {
  readonly url: string;
  /** As the script's `sourceMappingURL` has it; '' without. */
  readonly sourceMapUrl: string;
}

export interface Position {
  /** A path for a file, else a URL. */
  readonly file: string;
  /** From 1 on. */
  readonly line: number;
  readonly column: number;
}

/** What a URL of a file is on this machine's disk. */
function pathOf(url: string): string {
  try {
    return url.startsWith('file:') ? fileURLToPath(url) : url;
  } catch {
    return url;
  }
}

function readMap(script: Script): { map: SourceMap; base: string } | undefined {
  if (script.sourceMapUrl === '') return undefined;
  try {
    // A script of CommonJS has its path for a URL.
    const scriptUrl = script.url.startsWith('/') ? `file://${script.url}` : script.url;
    const url = new URL(script.sourceMapUrl, scriptUrl);
    const comma = url.href.indexOf(',');
    const isBase64 = url.href.slice(0, comma).endsWith(';base64');
    const text =
      url.protocol === 'data:'
        ? isBase64
          ? Buffer.from(url.href.slice(comma + 1), 'base64').toString()
          : decodeURIComponent(url.href.slice(comma + 1))
        : readFileSync(url, 'utf8');
    const map = new SourceMap(JSON.parse(text) as SourceMapPayload);
    return { map, base: url.protocol === 'data:' ? scriptUrl : url.href };
  } catch {
    // A map that is missing or broken: the place in the script itself has to do.
    return undefined;
  }
}

/** @param line from 0 on. @param column from 0 on. */
export function sourcePosition(script: Script, line: number, column: number): Position {
  const own = { file: pathOf(script.url), line: line + 1, column: column + 1 };
  const found = readMap(script);
  if (found === undefined) return own;
  const entry = found.map.findEntry(line, column);
  if (!('originalSource' in entry) || typeof entry.originalSource !== 'string') return own;
  const { originalSource, originalLine, originalColumn } = entry;
  const file = URL.canParse(originalSource, found.base)
    ? new URL(originalSource, found.base).href
    : originalSource;
  return { file: pathOf(file), line: originalLine + 1, column: originalColumn + 1 };
}
