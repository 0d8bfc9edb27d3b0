// Plays random programs against random peers (test/fuzz/round.ts). A failure prints its seed.
//     npm run test:fuzz -- [--seconds number] [--rounds number] [--seed number]
import { spawnSync } from 'node:child_process';

const words = ['--enable-source-maps', '--expose-gc', 'build/test/fuzz/fuzz-program.js'];
const { status } = spawnSync(process.execPath, [...words, ...process.argv.slice(2)], { stdio: 'inherit' });
process.exit(status ?? 1);
