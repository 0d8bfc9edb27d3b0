// Runs the compiled tests with Node's own runner: `npm run test:unit -- [part of a file's name …]`. With
// `--programs` it runs those of test/programs instead, which need more time and more of Debian's packages, and
// those of test/web-programs as well.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';

const words = process.argv.slice(2);
const isPrograms = words[0] === '--programs';
const wanted = isPrograms ? words.slice(1) : words;

const isWanted = (name) =>
  name.startsWith('build/test/web-programs/') || name.startsWith('build/test/programs/') === isPrograms;

const files = ['dist', 'build/bench', 'build/test', 'web/dist', 'web/build']
  .flatMap((folder) => readdirSync(folder, { recursive: true }).map((name) => `${folder}/${name}`))
  .filter((name) => name.endsWith('.test.js'))
  .filter(isWanted)
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
