// Removes the output of the build; or, of all folders of it, those that are named.
import { rmSync } from 'node:fs';

const FOLDERS = [
  'dist',
  'build',
  'native/build',
  'native/prebuilt',
  'examples/net/build',
  'examples/scale/build',
  'examples/web/build',
  'web/dist',
  'web/build',
];

const named = process.argv.slice(2);
for (const folder of FOLDERS.filter((path) => named.length === 0 || named.includes(path)))
  rmSync(new URL(`../${folder}`, import.meta.url), { recursive: true, force: true });
