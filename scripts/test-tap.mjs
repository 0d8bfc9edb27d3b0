// Runs the long forms of the tests through TAP: 1 GiB each way with loss, 10,000 connections. That takes half an
// hour.
//     npm run test:tap -- [part of a file's name …]
import { spawnSync } from 'node:child_process';

const words = process.argv.slice(2);
const files = words.length === 0 ? ['test/tap/'] : words.map((word) => `test/tap/${word}`);
const { status } = spawnSync(process.execPath, ['scripts/test.mjs', ...files], {
  stdio: 'inherit',
  env: { ...process.env, ASYNCTCP_SOAK: '1' },
});
process.exit(status ?? 1);
