/** Runs one scenario: `scenario-program.js URL-OF-ITS-MODULE TITLE`. Exits with 0 if it passes. */
import type { Scenario } from './scenario.js';
import { World } from './world.js';

const [url = '', title = ''] = process.argv.slice(2);
const { SCENARIOS } = (await import(url)) as { SCENARIOS: readonly Scenario[] };
const scenario = SCENARIOS.find((one) => one.title === title);
if (scenario === undefined) throw new Error(`there is no scenario ${title}`);
/** Ends a scenario that hangs, so that it still cleans up. */
const PATIENCE_MS = 90_000;

const world = new World();
const lost = new Promise<never>((_, reject) => {
  setTimeout(() => {
    reject(new Error('the scenario did not end'));
  }, PATIENCE_MS).unref();
});
try {
  await Promise.race([scenario.run(world), lost]);
} finally {
  await world.end();
}
