/** The probes on an idle connection, as libuv sets them. */
export interface KeepAlive {
  /** 0: off. */
  readonly idleS: number;
  readonly intervalS: number;
  readonly probes: number;
}

export const NO_KEEP_ALIVE: KeepAlive = { idleS: 0, intervalS: 1, probes: 1 };
/** Linux's own (tcp(7)): libuv changes nothing if no time is named. */
const SYSTEMS_KEEP_ALIVE: KeepAlive = { idleS: 7200, intervalS: 75, probes: 9 };
/** libuv's interval and number of probes if a time is named. */
const PROBE_INTERVAL_S = 1;
const PROBES = 10;
/** Limits of Linux. */
const MAX_KEEP_ALIVE_S = 32_767;
const MAX_PROBES = 127;

/** Returns the probes for the arguments of net.js's `setKeepAlive`. */
export function keepAliveOf(idleS: unknown, intervalS: unknown, probes: unknown): KeepAlive {
  if (typeof idleS !== 'number' || idleS <= 0) return SYSTEMS_KEEP_ALIVE;
  return {
    idleS: Math.min(idleS, MAX_KEEP_ALIVE_S),
    intervalS: positiveOr(intervalS, PROBE_INTERVAL_S, MAX_KEEP_ALIVE_S),
    probes: positiveOr(probes, PROBES, MAX_PROBES),
  };
}

function positiveOr(value: unknown, fallback: number, most: number): number {
  return typeof value === 'number' && value > 0 ? Math.min(value, most) : fallback;
}
