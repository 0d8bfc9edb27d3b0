/** Documents that must agree with the code. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { AsyncClient, AsyncServer, nodeStack } from 'asynctcp';
import { clauseOf } from '../contract/case.js';
import { CASES } from '../contract/cases.js';
import { TARGETS } from '../targets/targets.js';
import { readme, readmeWithTables } from './tables.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

function methodsOf(prototype: object): string[] {
  return Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor');
}

describe('the README', () => {
  it('has the configuration table that the code makes', () => {
    assert.equal(readme(), readmeWithTables(), 'run `npm run docs`');
  });

  it('names every public method and every capability', () => {
    const names = [
      ...methodsOf(AsyncClient.prototype),
      ...methodsOf(AsyncServer.prototype),
      ...Object.keys(nodeStack().capabilities),
    ];
    const isNamed = (name: string): boolean => new RegExp(`[\`\\s]${name}[(\`]`).test(readme());
    // Getters of a setting that stands there share its row.
    const unnamed = names.filter((name) => !isNamed(name) && !isNamed(name.replace(/^get/, 'set')));
    assert.deepEqual(unnamed, []);
  });

  it('shows TypeScript that compiles and runs', () => {
    const snippets = [...readme().matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code ?? '');
    assert.ok(snippets.length > 0);
    const folder = mkdtempSync(join(ROOT, 'build', 'readme-'));
    try {
      for (const [index, code] of snippets.entries()) {
        const anyPort = code
          .replaceAll("'127.0.0.1', 7007,", "'127.0.0.1', server.port(),")
          .replace(/AsyncServer\('127\.0\.0\.1', \S+\)/, "AsyncServer('127.0.0.1', 0)");
        writeFileSync(join(folder, `snippet${index}.ts`), anyPort);
        const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
        const flags = [
          '--ignoreConfig',
          '--strict',
          '--module',
          'nodenext',
          '--target',
          'es2023',
          '--types',
          'node',
        ];
        execFileSync(process.execPath, [tsc, ...flags, `snippet${index}.ts`], { cwd: folder });
        const output = execFileSync(process.execPath, [`snippet${index}.js`], {
          cwd: folder,
          encoding: 'utf8',
        });
        assert.match(output, /5 bytes acknowledged/);
        assert.match(output, /^hello$/m);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('docs/contract.md', () => {
  const text = readFileSync(join(ROOT, 'docs', 'contract.md'), 'utf8');
  const clauses = [...text.matchAll(/^- \*\*([LDTMW]\d+)\*\*/gm)].map(([, clause]) => clause ?? '');

  it('has at least one case for each clause, and no case without a clause', () => {
    const shown = new Set(CASES.map(({ id }) => clauseOf(id)));
    assert.deepEqual(
      clauses.filter((clause) => !shown.has(clause)),
      [],
    );
    assert.deepEqual(
      [...shown].filter((clause) => !clauses.includes(clause)),
      [],
    );
  });

  it('has cases with unique names, and targets whose unmet cases exist', () => {
    const ids = CASES.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    for (const { unmet } of TARGETS) {
      assert.deepEqual(
        Object.keys(unmet).filter((id) => !ids.includes(id)),
        [],
      );
    }
  });
});
