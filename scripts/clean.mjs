// Removes what the build made.
import { rmSync } from 'node:fs';

for (const folder of ['dist', 'build', 'native/build', 'native/prebuilt'])
  rmSync(new URL(`../${folder}`, import.meta.url), { recursive: true, force: true });
