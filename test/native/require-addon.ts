/** The addon for the tests of it. */
import { loadAddon } from '#src/addon/load-addon.js';
import type { NativeAddon } from '#src/addon/native-addon.js';

const isRequired = process.env['ASYNCTCP_REQUIRE_PEERS'] === '1';

/** For a test's option `skip`: the reason. With ASYNCTCP_REQUIRE_PEERS=1 nothing is skipped, and it fails. */
export function unlessAddonLoads(): string | false {
  const loaded = loadAddon();
  return 'addon' in loaded || isRequired ? false : loaded.reason;
}

export function requireAddon(): NativeAddon {
  const loaded = loadAddon();
  if ('addon' in loaded) return loaded.addon;
  throw new Error(loaded.reason);
}
