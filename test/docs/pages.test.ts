/** What holds for every page of the documentation: links, names of files and commands, words. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, it } from 'node:test';
import { allPages, Page, ROOT } from './pages.js';
import { isVague } from './words.js';

const SOURCE_FILE = /^[\w.-]+(\/[\w.-]+)+\.(ts|mjs|js|c|h)$/;

const PAGES = allPages();

function isFile(path: string): boolean {
  return existsSync(ROOT + path) || existsSync(`${ROOT}src/${path}`);
}

function scripts(): Set<string> {
  const { scripts } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as {
    scripts: Record<string, string>;
  };
  return new Set(Object.keys(scripts));
}

function isReached(page: Page, target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const to = path === '' ? page.path : normalize(join(dirname(page.path), path));
  if (!existsSync(ROOT + to)) return false;
  return anchor === undefined || new Page(to).anchors().has(anchor);
}

for (const page of PAGES) {
  describe(page.path, () => {
    it('has only links that lead somewhere', () => {
      assert.deepEqual(
        page.links().filter((target) => !isReached(page, target)),
        [],
      );
    });

    it('names only source files that exist', () => {
      const files = [...new Set(page.codes())].filter((code) => SOURCE_FILE.test(code));
      assert.deepEqual(
        files.filter((file) => !isFile(file)),
        [],
      );
    });

    it('names only commands of npm that exist', () => {
      const known = scripts();
      const named = [...page.text.matchAll(/\bnpm run ([\w:-]+)/g)].map(([, name = '']) => name);
      assert.deepEqual(
        named.filter((name) => !known.has(name)),
        [],
      );
    });

    it('has no word whose subject or object must be guessed, and no clause for a subject', () => {
      assert.deepEqual(page.sentences().filter(isVague), []);
    });
  });
}

describe('the README', () => {
  const readme = new Page('README.md');

  it('leads to every page', () => {
    const linked = readme.links().map((target) => normalize(target.replace(/#.*/, '')));
    // One page stands beside the benchmark, and docs/performance.md leads to it.
    const others = PAGES.map(({ path }) => path).filter((path) => path !== readme.path);
    assert.deepEqual(
      others.filter((path) => path !== 'bench/README.md' && !linked.includes(path)),
      [],
    );
  });

  it('installs for the tests what the continuous integration installs, but for a release', () => {
    const [, line = ''] = /apt-get install -y (.*)/.exec(readme.blocks('sh').join('')) ?? [];
    const ci = readFileSync(`${ROOT}.ci/run`, 'utf8');
    const installed = [...ci.matchAll(/missing\+=\(([^)"]+)\)/g)].flatMap(([, names = '']) =>
      names.split(' '),
    );
    assert.deepEqual(line.split(' ').sort(), installed.filter((name) => name !== 'musl-tools').sort());
  });
});

describe('docs/architecture.md', () => {
  it('names every folder of src and of web/src, and every stack', () => {
    const { text } = new Page('docs/architecture.md');
    const folders = ['src', 'src/stacks', 'web/src'].flatMap(foldersIn);
    assert.deepEqual(
      folders.filter((name) => !new RegExp(`^ +${name}/( |$)`, 'm').test(text)),
      [],
    );
  });
});

function foldersIn(path: string): string[] {
  const entries = readdirSync(ROOT + path, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}
