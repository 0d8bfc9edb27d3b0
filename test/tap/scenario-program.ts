/** Runs one scenario: `scenario-program.js URL-OF-ITS-MODULE TITLE`. Exits with 0 if it passes. */
import type { TapScenario } from './scenario.js';

const [url = '', title = ''] = process.argv.slice(2);
const { SCENARIOS } = (await import(url)) as { SCENARIOS: readonly TapScenario[] };
const scenario = SCENARIOS.find((one) => one.title === title);
if (scenario === undefined) throw new Error(`there is no scenario ${title}`);
await scenario.run();
// A scenario that failed may have left devices open, and its error ends the process.
process.exit();
