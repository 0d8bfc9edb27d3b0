/**
 * A bite of the watchdog, the report of a callback that has not returned in its time, and its text
 * (contract W1).
 */
import type { CallbackName } from './callback-kind.js';
import type { ConnectionReport } from './connection-report.js';

/** A callback that runs for longer than the watchdog's timeout. */
export interface WatchdogBite {
  /** Name of the setter that took the callback's handler. */
  readonly handler: CallbackName;
  /** Milliseconds that the callback had been running when it was found. */
  readonly blockedMs: number;
  /** Milliseconds that the callback may take. */
  readonly timeoutMs: number;
  /** Number of the blocked thread in `worker_threads`; 0 is the main thread. */
  readonly threadId: number;
  /**
   * The connection that the callback concerns. `undefined` if the thread could not be interrupted, because
   * it is in a synchronous call of the runtime, such as `execSync`.
   */
  readonly client: ConnectionReport | undefined;
  /**
   * Calls on the stack, innermost first, as `name (file:line:column)`. Empty if the thread was not
   * interrupted.
   */
  readonly backtrace: readonly string[];
  /** True if the bite ends the task. */
  readonly panic: boolean;
}

let observer: ((bite: WatchdogBite) => void) | undefined;

/** Calls `wanted` with each bite in this thread, before the program's handler; `undefined`: nothing. */
export function observeBites(wanted: ((bite: WatchdogBite) => void) | undefined): void {
  observer = wanted;
}

/** Gives a bite to the observer. */
export function observeBite(bite: WatchdogBite): void {
  observer?.(bite);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

function host(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

function clientLine({
  remoteIP,
  remotePort,
  localIP,
  localPort,
  state,
  bytesIn,
  bytesOut,
}: ConnectionReport): string {
  const ends = `${host(remoteIP, remotePort)} (here ${host(localIP, localPort)})`;
  return `  client   ${ends}, ${state}, ${bytesIn} bytes in, ${bytesOut} bytes out`;
}

function placeLines({ client, backtrace }: Pick<WatchdogBite, 'client' | 'backtrace'>): string[] {
  return [
    ...(client === undefined ? [] : [clientLine(client)]),
    ...(backtrace.length === 0 ? [] : ['  stuck in', ...backtrace.map((call) => `    at ${call}`)]),
  ];
}

/** Returns the report as lines for the terminal. */
export function biteText(bite: WatchdogBite): string {
  const { handler, blockedMs, timeoutMs, threadId, panic } = bite;
  const thread = threadId === 0 ? 'the main thread' : `thread ${threadId}`;
  const lines = [
    `asynctcp: Task watchdog got triggered. The async task in ${thread} has been in one callback for ${seconds(blockedMs)}.`,
    `  handler  ${handler}, which may take ${timeoutMs / 1000} s (CONFIG_ESP_TASK_WDT_TIMEOUT_S)`,
    ...(bite.client === undefined
      ? [
          '  stuck in a synchronous call of the runtime, probably: it cannot be interrupted yet, and its place follows',
        ]
      : placeLines(bite)),
    ...(panic ? ['  The task is ended (CONFIG_ESP_TASK_WDT_PANIC).'] : []),
  ];
  return lines.join('\n');
}

/** Returns the part of the report that was missing while the thread could not be interrupted. */
export function lateText(handler: CallbackName, place: Pick<WatchdogBite, 'client' | 'backtrace'>): string {
  return [`asynctcp: ${handler} can be interrupted now.`, ...placeLines(place)].join('\n');
}

/** Returns the line that ends a report. */
export function returnedText(handler: CallbackName, tookMs: number): string {
  return `asynctcp: ${handler} has returned, after ${seconds(tookMs)}.`;
}
