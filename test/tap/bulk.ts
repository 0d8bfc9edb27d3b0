/** Bulk through TAP, with loss and reordering, and each combination of TCP's options in the kernel. */
import type { TapHost } from '#src/tap.js';
import { inForm } from '../support/form.js';
import { LossyDevice, type Harm } from './lossy-device.js';
import { deviceCommands, type TapScenario } from './scenario.js';
import { openTwin, sendToTwin, Services, takeFromTwin } from './world.js';

const MIB = 1_048_576;
const BYTES = inForm({ short: 4 * MIB, long: 1024 * MIB });
const OPTION_BYTES = inForm({ short: MIB, long: 16 * MIB });
const REORDER = 0.01;

const HARMS: readonly Harm[] = [0, 0.01, 0.05].map((loss) => ({ loss, reorder: REORDER }));
const OPTIONS = ['tcp_sack', 'tcp_timestamps', 'tcp_window_scaling', 'tcp_ecn'] as const;

function megabytesPerSecond(bytes: number, fromMs: number): string {
  return (bytes / 1000 / (performance.now() - fromMs)).toFixed(1);
}

async function bothWays(bytes: number, harm: Harm = { loss: 0, reorder: 0 }): Promise<void> {
  let link: LossyDevice | undefined;
  const twin: TapHost = openTwin({ wrap: (device) => (link = new LossyDevice(device, harm)) });
  const services = new Services(twin);
  await services.begin();
  let fromMs = performance.now();
  await sendToTwin(bytes);
  const inRate = megabytesPerSecond(bytes, fromMs);
  fromMs = performance.now();
  await takeFromTwin(services, bytes);
  const outRate = megabytesPerSecond(bytes, fromMs);
  console.log(`in ${inRate} MB/s, out ${outRate} MB/s, ${link?.lost} lost, ${link?.overtaken} overtaken`);
  await twin.end();
}

const BULK = HARMS.map((harm): TapScenario => ({
  title: `${BYTES / MIB} MiB each way arrive whole with ${harm.loss * 100} % loss and reordering`,
  prepare: deviceCommands(),
  run: () => bothWays(BYTES, harm),
}));

const COMBINATIONS = Array.from({ length: 16 }, (_, bits): TapScenario => {
  const settings = OPTIONS.map((name, bit) => `net.ipv4.${name}=${(bits >> bit) & 1}`);
  const on = OPTIONS.filter((_name, bit) => ((bits >> bit) & 1) === 1).map((name) => name.slice(4));
  return {
    title: `bytes arrive whole with ${on.join(', ') || 'no option'} of the kernel`,
    prepare: [...deviceCommands(), `sysctl -qw ${settings.join(' ')}`],
    run: () => bothWays(OPTION_BYTES, { loss: 0.005, reorder: REORDER }),
  };
});

export const SCENARIOS: readonly TapScenario[] = [...BULK, ...COMBINATIONS];
