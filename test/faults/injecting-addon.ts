/**
 * The addon in which a test makes system calls fail (fault injection); native/test/faults.c is its C side.
 */
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { searchAddon } from '#src/addon/load-addon.js';
import type { NativeAddon } from '#src/addon/native-addon.js';

/** The system calls of native/system.h. */
export type SystemCall =
  | 'socket'
  | 'bind'
  | 'connect'
  | 'listen'
  | 'accept4'
  | 'getsockname'
  | 'getpeername'
  | 'getsockopt'
  | 'setsockopt'
  | 'recv'
  | 'recvmsg'
  | 'send'
  | 'sendmsg'
  | 'shutdown'
  | 'close'
  | 'outq'
  | 'inq'
  | 'epoll_create1'
  | 'epoll_ctl'
  | 'epoll_wait'
  | 'open_null'
  | 'open_tunnel'
  | 'set_tunnel'
  | 'interface'
  | 'read_packet'
  | 'write_packet';

export interface InjectingAddon extends NativeAddon {
  /**
   * The calls from the `nth` on, `times` of them, fail with `errno`; if that is 0, they take at most `bytes`.
   */
  setFault(call: SystemCall, nth: number, times: number, errno: number, bytes: number): void;
  /** Removes all injections and sets all counts of calls to 0. */
  clearFaults(): void;
  /** Returns the number of calls since `clearFaults`. */
  calls(call: SystemCall): number;
  /** Runs the thread's event loop once, within the callback that calls this, as some addons do. */
  runLoop(): void;
}

/**
 * The result of an injected call: the name of the errno that it fails with, or the number of bytes that it
 * takes.
 */
export type Injection = keyof typeof constants.errno | number;

function isInjecting(addon: NativeAddon): addon is InjectingAddon {
  return 'setFault' in addon && 'clearFaults' in addon && 'calls' in addon && 'runLoop' in addon;
}

const loaded = searchAddon({
  platform: process.platform,
  arch: process.arch,
  imitator: undefined,
  candidates: [new URL('../../native-faults/build/Release/asynctcp.node', import.meta.url).pathname],
  isCheckout: true,
  load: createRequire(import.meta.url),
});

/**
 * Returns the reason to skip a test. With ASYNCTCP_REQUIRE_PEERS=1 nothing is skipped, and the test fails.
 */
export function unlessInjectingAddonLoads(): string | false {
  if (loaded.addon !== undefined || process.env['ASYNCTCP_REQUIRE_PEERS'] === '1') return false;
  return loaded.reason;
}

export function injectingAddon(): InjectingAddon {
  const { addon, reason } = loaded;
  if (addon === undefined) throw new Error(reason);
  if (!isInjecting(addon)) throw new Error('the addon is not the one for tests');
  return addon;
}

export function inject(
  addon: InjectingAddon,
  call: SystemCall,
  injection: Injection,
  { nth = 1, times = 1 }: { nth?: number; times?: number } = {},
): void {
  const isShort = typeof injection === 'number';
  addon.setFault(call, nth, times, isShort ? 0 : constants.errno[injection], isShort ? injection : 0);
}
