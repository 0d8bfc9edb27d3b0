// Runs the long forms of the soak tests and more random programs: minutes, not for every change.
import { spawnSync } from 'node:child_process';

const env = { ...process.env, ASYNCTCP_SOAK: '1', MODEL_RUNS: '20000' };
const words = ['scripts/test.mjs', 'test/soak/', 'model.test'];
process.exit(spawnSync(process.execPath, words, { stdio: 'inherit', env }).status ?? 1);
