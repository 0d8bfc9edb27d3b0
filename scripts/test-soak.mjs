// Runs the long forms of the soak tests and more random programs. That takes minutes, too long for every
// change.
//     npm run test:soak -- [part of a file's name …] [--stacks client-server,…] [--seed number] [--seconds number]
// The options are for the mixed load: its stacks, the seed of its plan, and the time for each pair of stacks.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { stacks: { type: 'string' }, seed: { type: 'string' }, seconds: { type: 'string' } },
});
const env = { ...process.env, ASYNCTCP_SOAK: '1', MODEL_RUNS: '20000' };
for (const [name, value] of Object.entries(values)) env[`ASYNCTCP_SOAK_${name.toUpperCase()}`] = value;

function run(...args) {
  return spawnSync(process.execPath, ['scripts/test.mjs', ...args], { stdio: 'inherit', env }).status ?? 1;
}

if (positionals.length > 0) process.exit(run(...positionals));
const status = run(
  'test/soak/',
  'test/sim/vopr/',
  'test/faults/',
  'test/targets/',
  'e2e/closing',
  'model.test',
);
process.exit(Math.max(status, run('--programs', 'http-load', 'slow-upload', 'large-response')));
