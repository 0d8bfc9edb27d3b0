/** The figures of a program, without the limit of the stack that a dashboard has for itself alone. */
import type { Snapshot } from 'asynctcp/monitor';
import type { MonitorSource } from './monitor-source.js';

/**
 * Returns a monitor whose limit is smaller.
 * @param ownConnections limit of the dashboard's own stack, which the monitor has added to the others.
 */
export function withoutLimit(monitor: MonitorSource, ownConnections: number): MonitorSource {
  return {
    snapshot: () => reduced(monitor.snapshot(), ownConnections),
    history: () => monitor.history(),
    events: (sinceId) => monitor.events(sinceId),
    onSecond: (handler) => monitor.onSecond(handler),
    close: (id) => monitor.close(id),
    reset: (id) => monitor.reset(id),
  };
}

function reduced(snapshot: Snapshot, ownConnections: number): Snapshot {
  const { totals } = snapshot;
  const limit = totals.limit === null ? null : Math.max(0, totals.limit - ownConnections);
  return { ...snapshot, totals: { ...totals, limit } };
}
