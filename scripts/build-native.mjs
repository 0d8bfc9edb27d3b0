// Compiles the addon of this checkout if a source is newer and, unless `--addon-alone` is given, the addon
// for tests of failing system calls. A machine without a compiler gets a line about it and no failure:
// without the addon everything works but the stack kernel, core, priority and stack measurement. C that
// does not compile is a failure.
import { existsSync } from 'node:fs';
import {
  built,
  compileFaulty,
  compiler,
  faulty,
  faultySources,
  headers,
  isNewerThan,
  missingTools,
  native,
  nodeGyp,
  root,
  sources,
} from './native.mjs';

/** Ends with success, because the addon is optional. */
function goOnWithout(missing, remedy) {
  const consequence = existsSync(built)
    ? 'The native addon stays older than its sources'
    : 'The native addon is not built, and the stack kernel, core, priority and stack measurement do not work';
  console.error(`${consequence}: missing ${missing} (${remedy}).`);
  process.exit(0);
}

const isBuilt = isNewerThan(built, sources());
const wantsFaulty = !process.argv.includes('--addon-alone') && !isNewerThan(faulty, faultySources());
const isUpToDate = isBuilt && !wantsFaulty;
if (process.platform !== 'linux' || isUpToDate) process.exit(0);

const missing = missingTools();
if (missing.length > 0) {
  goOnWithout(missing.join(', '), 'Debian: apt-get install gcc libc6-dev make python3');
}

const nodedir = headers();
if (nodedir === undefined && !nodeGyp(['install', '--ensure']).succeeded) {
  goOnWithout(
    `the headers of Node ${process.version}, which could not be downloaded either`,
    'take a Node that has include/node beside its bin',
  );
}
// The same command compiles and links: by itself node-gyp would look for a C++ compiler to link.
const env = { CC: compiler(), LINK: compiler() };

function fail(output) {
  console.error(output);
  process.exit(1);
}

if (!isBuilt) {
  const words = ['configure', 'build', '--directory', native];
  const { succeeded, output } = nodeGyp(
    nodedir === undefined ? words : [...words, '--nodedir', nodedir],
    env,
  );
  if (!succeeded) fail(output);
}
if (wantsFaulty) {
  try {
    compileFaulty(root, env);
  } catch (error) {
    fail(error.message);
  }
}
