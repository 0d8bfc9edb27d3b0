import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { PACKAGE_VERSION } from '../support/version.js';
import { findPackage, packageFile, packageFolder } from './package-folder.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'asynctcp-package-')));
after(() => rmSync(folder, { recursive: true }));

function file(path: string, text = ''): string {
  const whole = join(folder, path);
  mkdirSync(dirname(whole), { recursive: true });
  writeFileSync(whole, text);
  return whole;
}

/** Makes a package of this name and version in a folder's node_modules. Returns its folder. */
function install(into: string, name: string, version: string): string {
  return dirname(file(join(into, 'node_modules/asynctcp/package.json'), JSON.stringify({ name, version })));
}

const NOWHERE = { url: undefined, file: undefined, program: undefined };

describe('the folder of the package', () => {
  it('is the one that contains this file', () => {
    assert.deepEqual(packageFolder(), { folder: ROOT });
    assert.equal(packageFile('package.json'), join(ROOT, 'package.json'));
  });

  it('has the version of the library', () => {
    const description: unknown = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    assert.equal(Reflect.get(Object(description), 'version'), PACKAGE_VERSION);
  });

  it('is found from a bundle by each kind of path that the runtime gives', () => {
    const bundle = file('deployed/out/bundle.js');
    const place = install('deployed', 'asynctcp', PACKAGE_VERSION);
    for (const known of [{ url: pathToFileURL(bundle).href }, { file: bundle }, { program: bundle }]) {
      assert.deepEqual(findPackage({ ...NOWHERE, ...known }), { folder: place });
    }
  });

  it('is not the folder where the bundler read this file, if that is gone', () => {
    const program = file('elsewhere/bundle.js');
    const place = install('elsewhere', 'asynctcp', PACKAGE_VERSION);
    const gone = join(folder, 'gone/node_modules/asynctcp/dist/addon/package-folder.js');
    assert.deepEqual(findPackage({ url: pathToFileURL(gone).href, file: gone, program }), { folder: place });
  });

  it('is the one that contains a file of the release', () => {
    const release = install('released', 'asynctcp', PACKAGE_VERSION);
    const part = file('released/node_modules/asynctcp/dist/chunks/part.js');
    assert.deepEqual(findPackage({ ...NOWHERE, file: part }), { folder: release });
  });

  it("is not a program's own folder that has the same shape", () => {
    const program = file('shaped/dist/server/bundle.js');
    file('shaped/package.json', JSON.stringify({ name: 'shaped', version: PACKAGE_VERSION }));
    const place = install('shaped', 'asynctcp', PACKAGE_VERSION);
    assert.deepEqual(findPackage({ ...NOWHERE, program }), { folder: place });
  });

  it('is not taken from a package of another version', () => {
    const program = file('old/bundle.js');
    const place = install('old', 'asynctcp', '0.0.1');
    assert.deepEqual(findPackage({ ...NOWHERE, program }), {
      reason:
        `This program is a bundle with asynctcp ${PACKAGE_VERSION}, and ${place} is version 0.0.1: ` +
        `make the bundle anew, or install that version.`,
    });
  });

  it('is not that of another package in its place', () => {
    const program = file('other/bundle.js');
    install('other', 'another-package', PACKAGE_VERSION);
    const { reason } = findPackage({ ...NOWHERE, program });
    assert.match(reason ?? '', /is not installed where it lies/);
  });

  it('has a reason with the remedy if there is none', () => {
    const program = file('alone/bundle.js');
    assert.deepEqual(findPackage({ ...NOWHERE, program, url: 'data:text/javascript,' }), {
      reason:
        'This program is a bundle, and the package asynctcp is not installed where it lies: ' +
        `put the package into node_modules/asynctcp of ${join(folder, 'alone')} (docs/bundling.md).`,
    });
    assert.match(findPackage(NOWHERE).reason ?? '', /of the bundle's folder \(docs/);
  });
});
