/**
 * The figures as the page gets them: rows by their keys, so that a delta names only the members that have
 * changed.
 */
import type { ConnectionFigures, Second, Snapshot } from 'asynctcp/monitor';
import { PAGE_ROWS, TABLE_ROWS } from './bounds.js';
import { compacted, type JsonObject } from './merge-patch.js';
import { blockedOf, firstOf } from './selection.js';
import { endsOf, whyOf, verdictOf } from './verdict.js';

export interface ViewSettings {
  readonly title: string;
  /** Port of a server that has nothing but the dashboard, whose connections are marked; 0: there is none. */
  readonly ownPort: number;
}

/** Figures that the table does not show, and that change each second. */
const NOT_OF_TABLE = { heardAgoMs: undefined, oldestUnacknowledgedMs: undefined };

/** Returns the figures of a moment for the page, without a member that is `null`. */
export function viewOf(snapshot: Snapshot, { title, ownPort }: ViewSettings): JsonObject {
  const { connections, listeners, links, errors, task, totals, atMs, sinceAtMs } = snapshot;
  const blocked = blockedOf(connections);
  const isOwn = (figures: ConnectionFigures): boolean => isOfDashboard(figures, ownPort);
  const rowOf = (figures: ConnectionFigures): object => connectionRow(figures, atMs, ownPort);
  return compacted({
    title,
    atMs,
    sinceAtMs,
    verdict: verdictOf(snapshot, blocked, ownPort),
    totals: { ...totals, blocked: blocked.length, own: connections.filter(isOwn).length },
    listeners: rowsOf(listeners.slice(0, PAGE_ROWS), (listener) => [
      listener.id,
      { ...listener, own: listener.port === ownPort ? true : undefined },
    ]),
    errors: rowsOf(errors.slice(0, PAGE_ROWS), (error) => [error.cause, error]),
    links: rowsOf(links.slice(0, PAGE_ROWS), (link, place) => [place, link]),
    blocked: rowsOf(blocked.slice(0, TABLE_ROWS), (figures) => [figures.id, rowOf(figures)]),
    top: rowsOf(firstOf(connections, 'traffic', TABLE_ROWS), (figures) => [
      figures.id,
      { ...rowOf(figures), ...NOT_OF_TABLE },
    ]),
    task: {
      ...task,
      callbacks: task.callbacks.slice(0, PAGE_ROWS),
      bites: task.bites.slice(-PAGE_ROWS),
    },
  });
}

/** Returns a connection for the page: its figures, and the same in words. */
export function connectionRow(figures: ConnectionFigures, atMs: number, ownPort: number): object {
  const own = isOfDashboard(figures, ownPort) ? true : undefined;
  const why = figures.blocked === null ? undefined : whyOf(figures, atMs);
  return { ...figures, ...endsOf(figures), why, own };
}

function isOfDashboard({ direction, localPort }: ConnectionFigures, ownPort: number): boolean {
  return direction === 'in' && localPort === ownPort;
}

/** Returns rows by their keys, and the order of the keys. */
function rowsOf<T>(
  list: readonly T[],
  rowOf: (item: T, place: number) => readonly [key: number | string, row: object],
): object {
  const entries = list.map(rowOf);
  return { order: entries.map(([key]) => String(key)), rows: Object.fromEntries(entries) };
}

/** The seconds of the charts, as columns. */
export function columnsOf(seconds: readonly Second[]): Record<keyof Second, (number | null)[]> {
  const column = (name: keyof Second): (number | null)[] => seconds.map((second) => second[name]);
  return {
    atMs: column('atMs'),
    connections: column('connections'),
    accepts: column('accepts'),
    closes: column('closes'),
    refused: column('refused'),
    errors: column('errors'),
    bytesIn: column('bytesIn'),
    bytesOut: column('bytesOut'),
    blocked: column('blocked'),
    roundTripMs: column('roundTripMs'),
    retransmissions: column('retransmissions'),
  };
}
