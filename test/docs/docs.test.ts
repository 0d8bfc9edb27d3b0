/** Documents that must agree with the code. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AsyncClient, AsyncServer, nodeStack } from 'asynctcp';
import * as gateway from 'asynctcp/gateway';
import * as web from 'asynctcp-web';
import { clauseOf } from '../contract/case.js';
import { CASES } from '../contract/cases.js';
import { TARGETS } from '../targets/targets.js';
import { Page } from './pages.js';
import { TABLES, withTable } from './tables.js';

function methodsOf(prototype: object): string[] {
  return Object.getOwnPropertyNames(prototype).filter((name) => name !== 'constructor');
}

/** Returns those of the names that the page does not show as code. */
function unnamedIn({ text }: Page, names: readonly string[]): string[] {
  const isNamed = (name: string): boolean => new RegExp(`[\`\\s]${name}[(\`]`).test(text);
  // Getters of a setting that stands there share its row.
  return names.filter((name) => !isNamed(name) && !isNamed(name.replace(/^get/, 'set')));
}

describe('tables made from the code', () => {
  for (const table of TABLES) {
    it(`${table.page} has what the code makes`, () => {
      assert.equal(new Page(table.page).text, withTable(table), 'run `npm run docs`');
    });
  }
});

describe('docs/api.md', () => {
  it('names every public method', () => {
    const names = [...methodsOf(AsyncClient.prototype), ...methodsOf(AsyncServer.prototype)];
    assert.deepEqual(unnamedIn(new Page('docs/api.md'), names), []);
  });
});

describe('docs/gateway.md', () => {
  it('names every method of a link, and the functions beside it', () => {
    const functions = [gateway.LinkKeeper, gateway.linkReports, gateway.pipe].map(({ name }) => name);
    const names = [...functions, ...methodsOf(gateway.LinkKeeper.prototype)];
    assert.deepEqual(unnamedIn(new Page('docs/gateway.md'), names), []);
  });
});

describe('docs/web.md', () => {
  it('names everything that asynctcp-web exports', () => {
    assert.deepEqual(unnamedIn(new Page('docs/web.md'), Object.keys(web)), []);
  });
});

describe('docs/stacks.md', () => {
  it('names every capability', () => {
    assert.deepEqual(unnamedIn(new Page('docs/stacks.md'), Object.keys(nodeStack().capabilities)), []);
  });
});

describe('docs/contract.md', () => {
  const { text } = new Page('docs/contract.md');
  const clauses = [...text.matchAll(/^- \*\*([LDTMWVS]\d+)\*\*/gm)].map(([, clause]) => clause ?? '');

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
