/** The door of `asynctcp/monitor`. */
export type * from './monitor/snapshot.js';
