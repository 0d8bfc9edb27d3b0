/** The state that the connections and listeners of one host share. `Tcp` implements it. */
import type { MonotonicClock } from '../../support/clock.js';
import type { Timers } from '../../support/timers.js';
import type { TcpProfile } from '../profile.js';
import type { Address } from '../wire/address.js';
import type { TcpConnection } from './connection.js';
import type { TcpCounters } from './counters.js';
import type { IpService } from './ip-service.js';
import type { ReceiveBuffer } from './receive-buffer.js';
import type { ByteRing } from './ring.js';
import type { SentList } from './sent-segment.js';
import type { Spare } from './spare.js';
import type { TcpListener } from './listener.js';
import type { TimeWait } from './time-wait.js';
import type { TimeTable } from './time-table.js';

export interface TcpHost {
  readonly profile: TcpProfile;
  readonly ip: IpService;
  readonly clock: MonotonicClock;
  readonly timers: Timers;
  /** Parts that a connection has while it sends or receives. */
  readonly rings: Spare<ByteRing>;
  readonly receiveBuffers: Spare<ReceiveBuffer>;
  readonly sentLists: Spare<SentList>;
  readonly times: TimeTable;
  readonly counters: TcpCounters;
  /** Time at which the host's global ticks began. */
  readonly bootMs: number;
  /** Has `flush` call `output` for a connection. */
  schedule(connection: TcpConnection): void;
  /** Puts a connection or listener with events into the queue of ready ones. */
  ready(object: TcpConnection | TcpListener): void;
  /** Notes that a connection keeps a frame, up to the next flush. */
  lent(connection: TcpConnection): void;
  /** Removes a connection from the table of connections; its port is free. */
  forget(connection: TcpConnection): void;
  /** A connection has entered TIME_WAIT: a record takes its place in the table. */
  enteredTimeWait(connection: TcpConnection): void;
  /** TIME_WAIT of a connection begins anew: the peer has not got the acknowledgement of its FIN. */
  restartTimeWait(record: TimeWait): void;
  /** Ends the TIME_WAIT of a connection early. */
  endTimeWait(connection: TcpConnection): void;
  /** Returns true if a challenge ACK may be sent (RFC 5961 §7). */
  mayChallenge(): boolean;
  /** Returns the initial sequence number (RFC 6528 §3), and the offset of the timestamps (RFC 7323 §5.4). */
  initialSequence(local: Address, localPort: number, remote: Address, remotePort: number): number;
}
