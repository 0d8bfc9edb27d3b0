// Runs the compiled tests on the newest LTS release of Node. The binary comes from the npm packages that
// the package `node` consists of, one for each platform. The binary itself says if its release line is LTS.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const name = `node-${process.platform}-${process.arch}`;

/** Returns the majors that are LTS or become it, the newest first: the even ones. */
function candidates() {
  const versions = JSON.parse(
    execFileSync('npm', ['view', name, 'versions', '--json'], { encoding: 'utf8' }),
  );
  const majors = new Set(versions.map((version) => Number(version.split('.')[0])));
  return [...majors].filter((major) => major % 2 === 0).sort((a, b) => b - a);
}

function install(major) {
  const folder = join(root, '.cache', `node-${major}`);
  const binary = join(folder, 'node_modules', name, 'bin', 'node');
  if (!existsSync(binary)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
    const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--silent'];
    execFileSync('npm', ['install', ...flags, `${name}@${major}`], { cwd: folder, stdio: 'inherit' });
  }
  return binary;
}

function newestLts() {
  for (const major of candidates()) {
    const binary = install(major);
    const release = JSON.parse(
      execFileSync(binary, ['-p', 'JSON.stringify({ v: process.version, ...process.release })']),
    );
    if (release.lts !== undefined) return { binary, text: `${release.v} (${release.lts})` };
  }
  throw new Error(`${name} has no LTS release`);
}

const { binary, text } = newestLts();
console.log(`tests on Node ${text}`);
const { status } = spawnSync(binary, [join(root, 'scripts', 'test.mjs'), ...process.argv.slice(2)], {
  stdio: 'inherit',
  cwd: root,
});
process.exit(status ?? 1);
