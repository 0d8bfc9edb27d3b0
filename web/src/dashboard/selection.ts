/** The connections that a table shows: the first of an order, which a filter lets pass. */
import type { ConnectionFigures } from 'asynctcp/monitor';
import { endpointText } from './words.js';

/** Orders of a table, the name of each as a URL has it. */
export const ORDERS = {
  /** Bytes a second, both ways. */
  traffic: (figures: ConnectionFigures) => figures.inPerS + figures.outPerS,
  /** Bytes since the beginning. */
  bytes: (figures: ConnectionFigures) => figures.bytesIn + figures.bytesOut,
  /** Bytes that wait, both ways. */
  waiting: (figures: ConnectionFigures) => figures.unacknowledged + figures.withheld,
  /** Age: the oldest first. */
  age: (figures: ConnectionFigures) => -figures.openedAtMs,
  /** Round trip: the longest first, the unknown last. */
  rtt: (figures: ConnectionFigures) => figures.roundTripMs ?? -1,
} as const;

export type Order = keyof typeof ORDERS;

export function isOrder(text: string): text is Order {
  return Object.hasOwn(ORDERS, text);
}

/** Returns true for a connection to a server that has nothing but the dashboard. */
export function isOfDashboard({ direction, localPort }: ConnectionFigures, ownPort: number): boolean {
  return direction === 'in' && localPort === ownPort;
}

/**
 * Returns the blocked connections of the program, those blocked longest first. A browser that sleeps
 * with the dashboard open is no trouble of the program.
 * @param ownPort port of a server that has nothing but the dashboard; 0 for another one.
 */
export function blockedOf(connections: readonly ConnectionFigures[], ownPort: number): ConnectionFigures[] {
  return connections
    .filter((figures) => figures.blocked !== null && !isOfDashboard(figures, ownPort))
    .sort((one, other) => (one.blockedAtMs ?? 0) - (other.blockedAtMs ?? 0) || one.id - other.id);
}

/** Returns the first `most` connections of an order. Those that are equal stay as they are given. */
export function firstOf(
  connections: readonly ConnectionFigures[],
  order: Order,
  most: number,
): ConnectionFigures[] {
  const rank = ORDERS[order];
  const first: { readonly figures: ConnectionFigures; readonly rank: number }[] = [];
  for (const figures of connections) {
    const own = rank(figures);
    const last = first.at(-1);
    if (first.length === most && last !== undefined && own <= last.rank) continue;
    let at = first.length;
    while (at > 0 && (first[at - 1]?.rank ?? 0) < own) at -= 1;
    first.splice(at, 0, { figures, rank: own });
    if (first.length > most) first.pop();
  }
  return first.map(({ figures }) => figures);
}

/**
 * Returns the connections that have each word of a filter in their addresses, their state, their stack or the
 * cause of their blockage; `#7` is the number of a connection.
 */
export function filtered(connections: readonly ConnectionFigures[], filter: string): ConnectionFigures[] {
  const words = filter
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  return connections.filter((figures) => {
    const text = textOf(figures);
    return words.every((word) => (word.startsWith('#') ? word === `#${figures.id}` : text.includes(word)));
  });
}

function textOf(figures: ConnectionFigures): string {
  const { direction, state, stack, blocked, localAddress, localPort, remoteAddress, remotePort } = figures;
  const ends = [endpointText(remoteAddress, remotePort), endpointText(localAddress, localPort)];
  return [...ends, direction, state, stack, blocked ?? ''].join(' ').toLowerCase();
}
