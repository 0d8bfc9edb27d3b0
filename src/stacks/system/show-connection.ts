/** The way in which a stack shows a new connection to its user. */
import type { Connection, ConnectionEvents } from '../../port/tcp-stack.js';

export type Show = (connection: Connection) => ConnectionEvents | undefined;

/**
 * Returns the receiver of the connection's events. Without one, also because `show` threw, the connection is
 * reset: a connection without a receiver would stay for ever.
 */
export function showConnection(connection: Connection, show: Show): ConnectionEvents | undefined {
  let events: ConnectionEvents | undefined;
  try {
    events = show(connection);
  } finally {
    if (events === undefined) connection.abort();
  }
  return events;
}
