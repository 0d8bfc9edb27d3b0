/** The addon whose system calls fail when a test wants it; native/test/faults.c says how. */
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
  | 'open_null';

export interface FaultyAddon extends NativeAddon {
  /** From the `nth` call on so many `times`: fails with the errno; or, where that is 0, takes `bytes`. */
  setFault(call: SystemCall, nth: number, times: number, errno: number, bytes: number): void;
  /** No faults any more, and all calls are counted from the beginning. */
  clearFaults(): void;
  /** How often it was called since. */
  calls(call: SystemCall): number;
  /** Runs the thread's event loop once, inside of the callback that calls it, as some addons do. */
  runLoop(): void;
}

/** What happens to a call: it fails with this errno's name, or takes no more than so many bytes. */
export type Mishap = keyof typeof constants.errno | number;

function isFaulty(addon: NativeAddon): addon is FaultyAddon {
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

/** For a test's option `skip`: the reason. With ASYNCTCP_REQUIRE_PEERS=1 nothing is skipped, and it fails. */
export function unlessFaulty(): string | false {
  if (loaded.addon !== undefined || process.env['ASYNCTCP_REQUIRE_PEERS'] === '1') return false;
  return loaded.reason;
}

export function faultyAddon(): FaultyAddon {
  const { addon, reason } = loaded;
  if (addon === undefined) throw new Error(reason);
  if (!isFaulty(addon)) throw new Error('the addon is not the one for tests');
  return addon;
}

export function strike(
  addon: FaultyAddon,
  call: SystemCall,
  mishap: Mishap,
  { nth = 1, times = 1 }: { nth?: number; times?: number } = {},
): void {
  const isShort = typeof mishap === 'number';
  addon.setFault(call, nth, times, isShort ? 0 : constants.errno[mishap], isShort ? mishap : 0);
}
