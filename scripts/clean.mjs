// Removes the output of the build.
import { rmSync } from 'node:fs';

for (const folder of [
  'dist',
  'build',
  'native/build',
  'native/prebuilt',
  'examples/net/build',
  'examples/web/build',
  'web/dist',
  'web/build',
])
  rmSync(new URL(`../${folder}`, import.meta.url), { recursive: true, force: true });
