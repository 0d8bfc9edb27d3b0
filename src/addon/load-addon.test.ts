import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadAddon, searchAddon, type AddonSearch } from './load-addon.js';

const folder = mkdtempSync(join(tmpdir(), 'asynctcp-addon-'));
after(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

const NOWHERE = join(folder, 'nowhere.node');
const FUNCTIONS = [
  ...['threadId', 'setName', 'affinity', 'setAffinity', 'nice', 'setNice'],
  ...[
    'closeDescriptor',
    'duplicateDescriptor',
    'stack',
    'stackDepth',
    'watchStack',
    'unusedStack',
    'constants',
    'openSockets',
    'openTunnel',
  ],
];

/** Writes a module with the functions of an addon, which CommonJS loads like one. Returns its path. */
function moduleWith(name: string, functions: readonly string[]): string {
  return file(name, `module.exports = { ${functions.map((each) => `${each}() {}`).join(', ')} };`);
}

const complete = moduleWith('complete.cjs', FUNCTIONS);
const incomplete = moduleWith('incomplete.cjs', FUNCTIONS.slice(2));
const broken = file('broken.node', 'this is no shared object');

function search(changed: Partial<AddonSearch> = {}): AddonSearch {
  return {
    platform: 'linux',
    imitator: undefined,
    arch: 'x64',
    candidates: [NOWHERE],
    isCheckout: false,
    load: createRequire(import.meta.url),
    ...changed,
  };
}

function reasonOf(changed: Partial<AddonSearch>): string {
  const loaded = searchAddon(search(changed));
  assert.ok(loaded.addon === undefined);
  return loaded.reason;
}

function throwing(message: string, code = 'ERR_DLOPEN_FAILED'): AddonSearch['load'] {
  return () => {
    throw Object.assign(new Error(message), { code });
  };
}

describe('the search for the addon', () => {
  it('takes the first candidate that loads', () => {
    const load = createRequire(import.meta.url);
    for (const first of [NOWHERE, incomplete, broken]) {
      const loaded = searchAddon(search({ candidates: [first, complete] }));
      assert.ok('addon' in loaded);
      assert.equal(loaded.addon, load(complete));
    }
  });

  it('gives the reason on other systems than Linux', () => {
    assert.equal(reasonOf({ imitator: 'bun' }), 'The native addon is for Node only, and this is bun.');
    assert.equal(reasonOf({ platform: 'darwin' }), 'The native addon is for Linux only, and this is darwin.');
  });

  it('says how to build it in a checkout', () => {
    assert.equal(
      reasonOf({ isCheckout: true }),
      'The native addon is not built: install a C compiler, make and python3 ' +
        '(Debian: apt-get install gcc libc6-dev make python3) and run `npm run build`.',
    );
  });

  it('names the architectures that have binaries', () => {
    assert.equal(
      reasonOf({ arch: 'riscv64' }),
      'There is no native addon for linux-riscv64, only for x64 and arm64: build from a checkout.',
    );
  });

  it('says that the package lacks it', () => {
    assert.equal(reasonOf({}), 'The native addon is not in the package; install the package again.');
  });

  it('gives the reason why a file does not load, and the remedy', () => {
    const inPackage = reasonOf({ candidates: [broken] });
    assert.match(
      inPackage,
      /^The native addon \S+broken\.node does not load: .+; install the package again\.$/s,
    );
    const inCheckout = reasonOf({ candidates: [broken], isCheckout: true });
    assert.match(inCheckout, /; remove native\/build and run `npm run build`\.$/);
  });

  it('recognises musl by the words of its loader', () => {
    for (const message of [
      'Error loading shared library ld-linux-x86-64.so.2: No such file or directory (needed by /a.node)',
      'Error relocating /a.node: __sched_cpualloc: symbol not found',
    ]) {
      assert.match(
        reasonOf({ load: throwing(message) }),
        /; a release loads with musl 1\.2\.3 and newer \(Alpine 3\.16\); take a newer image\.$/,
      );
    }
  });

  it('recognises a process that has no descriptor left', () => {
    const message = '/a.node: cannot open shared object file: Too many open files';
    assert.match(reasonOf({ load: throwing(message) }), /; let the process have more \(ulimit -n\)\.$/);
  });

  it('recognises a glibc that is too old', () => {
    const message = "/lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.28' not found (required by /a.node)";
    assert.match(
      reasonOf({ load: throwing(message) }),
      /; the system is older than glibc 2\.28; take a newer one\.$/,
    );
  });

  it('says that Node was told not to load addons', () => {
    const loader = new URL('load-addon.js', import.meta.url);
    const program = `
      import { searchAddon } from ${JSON.stringify(loader.href)};
      import { createRequire } from 'node:module';
      const search = ${JSON.stringify(search({ candidates: [broken] }))};
      console.log(searchAddon({ ...search, load: createRequire(import.meta.url) }).reason);`;
    const words = ['--no-addons', '--input-type=module', '--eval', program];
    assert.equal(
      execFileSync(process.execPath, words, { encoding: 'utf8' }).trim(),
      'Node was told not to load native addons; start it without --no-addons, or with --allow-addons.',
    );
  });

  it('names the functions that an addon of another version lacks', () => {
    assert.equal(
      reasonOf({ candidates: [incomplete], isCheckout: true }),
      `The native addon ${incomplete} is of another version, without threadId, setName; run \`npm run build\`.`,
    );
    assert.match(reasonOf({ candidates: [incomplete] }), /; install the package again\.$/);
    assert.match(reasonOf({ load: () => null }), /without threadId, .+, openTunnel;/);
  });

  it('passes on the reason why the package was not found', () => {
    assert.equal(reasonOf({ lost: 'It is gone.', candidates: [] }), 'It is gone.');
  });

  it('reports a fault if a release has a binary for the system', () => {
    const isFault = (changed: Partial<AddonSearch>): boolean | undefined => {
      const loaded = searchAddon(search(changed));
      return loaded.addon === undefined ? loaded.isFault : undefined;
    };
    for (const arch of ['x64', 'arm64']) {
      for (const changed of [{}, { lost: 'It is gone.' }, { candidates: [broken] }, { isCheckout: true }]) {
        assert.equal(isFault({ arch, ...changed }), true);
      }
    }
    for (const changed of [{ platform: 'darwin' }, { imitator: 'deno' }, { arch: 'riscv64' }]) {
      assert.equal(isFault(changed), false);
    }
  });

  it('gives the reason of the first candidate that exists', () => {
    assert.match(reasonOf({ candidates: [NOWHERE, incomplete, broken] }), /incomplete\.cjs/);
  });
});

describe('loadAddon', () => {
  it('returns the same object every time', () => {
    assert.equal(loadAddon(), loadAddon());
  });

  const built = fileURLToPath(new URL('../../native/build/Release/asynctcp.node', import.meta.url));
  it('loads the addon of the build', { skip: existsSync(built) ? false : `not built: ${built}` }, () => {
    const loaded = loadAddon();
    assert.ok('addon' in loaded && loaded.addon);
    assert.equal(typeof loaded.addon.threadId(), 'number');
  });
});
