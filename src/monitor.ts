/**
 * The door `asynctcp/monitor`: the figures, the history and the events of this thread's connections, servers,
 * links and task. The first import makes the stacks known.
 */
import './composition.js';

export { startMonitor, type Monitor, type SecondHandler } from './monitor/monitor.js';
export { topConnections, type ConnectionMeasure } from './monitor/top-connections.js';
export type { MonitorOptions } from './monitor/options.js';
export type * from './monitor/snapshot.js';
