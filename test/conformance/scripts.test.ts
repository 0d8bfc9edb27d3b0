/** The scripts of this repository, in the profile that their folder names. */
import { fail } from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ROOT } from '../docs/pages.js';
import { faultsOf } from './states/plays.js';

const FOLDER = join(ROOT, 'test', 'conformance', 'scripts');

for (const profile of ['linux', 'esp32'] as const) {
  describe(`scripts: ${profile}`, () => {
    for (const name of readdirSync(join(FOLDER, profile)).sort()) {
      it(name, () => {
        const faults = faultsOf(name, readFileSync(join(FOLDER, profile, name), 'utf8'), profile);
        if (faults !== undefined) fail(faults);
      });
    }
  });
}
