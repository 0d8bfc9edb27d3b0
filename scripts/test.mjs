// Runs the compiled tests with Node's own runner: `npm run test:unit -- [part of a file's name …]`.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

const wanted = process.argv.slice(2);

const files = ['dist', 'build/bench', 'build/test']
  .flatMap((folder) => readdirSync(folder, { recursive: true }).map((name) => `${folder}/${name}`))
  .filter((name) => name.endsWith('.test.js'))
  .filter((name) => wanted.length === 0 || wanted.some((part) => name.includes(part)))
  .sort();

if (files.length === 0) {
  console.error(`no test file's name has ${wanted.join(' or ')} in it`);
  process.exit(2);
}

const { status } = spawnSync(
  process.execPath,
  ['--enable-source-maps', '--test', '--test-reporter=spec', '--test-concurrency=2', ...files],
  {
    stdio: 'inherit',
  },
);
process.exit(status ?? 1);
