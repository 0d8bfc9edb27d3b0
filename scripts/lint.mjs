// `npm run lint`: Prettier and ESLint at the same time, each on a core of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

const tools = [
  ['prettier', '--check', '--log-level', 'warn', '.'],
  ['eslint', '--max-warnings', '0', '.'],
];
const ends = tools.map(([tool, ...args]) => once(spawn(tool, args, { stdio: 'inherit' }), 'exit'));
for (const [code] of await Promise.all(ends)) if (code !== 0) process.exitCode = 1;
