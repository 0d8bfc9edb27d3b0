import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { sourcePosition, type Position, type Script } from './source-position-node.js';

/** Maps the second line of the script, from its first column on, to the third line, second column. */
const MAPPINGS = ';AAEC';

function mapOf(source: string): string {
  return JSON.stringify({ version: 3, sources: [source], names: [], mappings: MAPPINGS });
}

function inBase64(text: string): string {
  return `data:application/json;base64,${Buffer.from(text).toString('base64')}`;
}

/** The place in the map above. */
function mappedTo(file: string): Position {
  return { file, line: 3, column: 2 };
}

/** Returns the position of a place some columns into the mapped line: the nearest entry before it counts. */
function positionIn(script: Script): Position {
  return sourcePosition(script, 1, 4);
}

/** The place in the script itself. */
function ownPlace(file: string): Position {
  return { file, line: 2, column: 5 };
}

const SCRIPT = '/project/dist/app.js';
const URL_OF_SCRIPT = `file://${SCRIPT}`;

function folder(test: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'asynctcp-'));
  test.after(() => {
    rmSync(path, { recursive: true });
  });
  return path;
}

describe('the place of a call is found', () => {
  it('in the script itself if it has no map', () => {
    assert.deepEqual(positionIn({ url: URL_OF_SCRIPT, sourceMapUrl: '' }), ownPlace(SCRIPT));
  });

  it('by a map within the script, in base64, with a source beside the script', () => {
    const sourceMapUrl = inBase64(mapOf('app.ts'));
    assert.deepEqual(positionIn({ url: URL_OF_SCRIPT, sourceMapUrl }), mappedTo('/project/dist/app.ts'));
  });

  it('by a map within the script, percent-encoded', () => {
    const sourceMapUrl = `data:application/json;charset=utf-8,${encodeURIComponent(mapOf('ä, b.ts'))}`;
    assert.deepEqual(positionIn({ url: URL_OF_SCRIPT, sourceMapUrl }), mappedTo('/project/dist/ä, b.ts'));
  });

  it('with a source that is relative, in another folder, or a URL of its own', () => {
    for (const [source, file] of [
      ['../src/app.ts', '/project/src/app.ts'],
      ['/elsewhere/app.ts', '/elsewhere/app.ts'],
      ['file:///elsewhere/the%20app.ts', '/elsewhere/the app.ts'],
      ['webpack://bundle/app.ts', 'webpack://bundle/app.ts'],
    ] as const) {
      const script = { url: URL_OF_SCRIPT, sourceMapUrl: inBase64(mapOf(source)) };
      assert.deepEqual(positionIn(script), mappedTo(file));
    }
  });

  it('by a map in a file of its own, to which its sources are relative', (test) => {
    const root = folder(test);
    mkdirSync(join(root, 'maps'));
    writeFileSync(join(root, 'maps', 'app.js.map'), mapOf('../src/app.ts'));
    const url = pathToFileURL(join(root, 'app.js')).href;
    const position = positionIn({ url, sourceMapUrl: 'maps/app.js.map' });
    assert.deepEqual(position, mappedTo(join(root, 'src', 'app.ts')));
  });

  it('for a script of CommonJS, whose URL is a path', (test) => {
    const root = folder(test);
    writeFileSync(join(root, 'app.cjs.map'), mapOf('app.cts'));
    const url = join(root, 'app.cjs');
    assert.deepEqual(positionIn({ url, sourceMapUrl: '' }), ownPlace(url));
    assert.deepEqual(positionIn({ url, sourceMapUrl: 'app.cjs.map' }), mappedTo(join(root, 'app.cts')));
  });

  it('in the script itself for a line of which the map says nothing', () => {
    const script = { url: URL_OF_SCRIPT, sourceMapUrl: inBase64(mapOf('app.ts')) };
    assert.deepEqual(sourcePosition(script, 0, 4), { file: SCRIPT, line: 1, column: 5 });
  });
});

describe('a map that cannot be read leaves the place in the script itself', () => {
  const broken: readonly [what: string, sourceMapUrl: string][] = [
    ['a file that is missing', 'nowhere.js.map'],
    ['a folder', '/'],
    ['another scheme', 'https://example.org/app.js.map'],
    ['no URL', 'http://[/'],
    ['base64 of no JSON', inBase64('}')],
    ['JSON without what a map has', inBase64('null')],
    ['JSON without sources', inBase64('{"version":3,"mappings":";AAEC"}')],
    ['mappings that name no source', inBase64('{"version":3,"sources":[],"names":[],"mappings":";AAEC"}')],
    ['broken percent-encoding', 'data:application/json,%'],
    ['data without a comma', 'data:application/json'],
    ['nothing', 'data:,'],
  ];
  for (const [what, sourceMapUrl] of broken) {
    it(what, () => {
      assert.deepEqual(positionIn({ url: URL_OF_SCRIPT, sourceMapUrl }), ownPlace(SCRIPT));
    });
  }

  it('and a script that is no file keeps its name', () => {
    for (const url of ['', 'evalmachine.<anonymous>', 'node:events', 'file://host/%2f']) {
      assert.deepEqual(positionIn({ url, sourceMapUrl: 'app.js.map' }), ownPlace(url));
    }
  });
});
