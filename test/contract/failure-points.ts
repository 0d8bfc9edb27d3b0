/**
 * The moments of a connection's life at which an error can come: what strikes it, and the situations in
 * which it is struck.
 */
import { ASYNC_WRITE_FLAG_COPY, ASYNC_WRITE_FLAG_MORE, ErrorCode } from 'asynctcp';
import type { Fault, Moment, Race, Situation } from './race.js';
import type { Witness } from './checked-client.js';

export const SEND_BUFFER = 4096;
export const WINDOW = 2048;
/** Nobody listens on this port, and the system gives it to no client. */
const UNUSED_PORT = 1;
const BYTES = 100;

// ---- what strikes

/** What a client may still do in the callback in which its peer has reset the connection. */
const AFTERMATHS: readonly ((end: Witness) => void)[] = [
  (end) => end.write(BYTES),
  (end) => end.add(BYTES),
  (end) => {
    end.add(BYTES);
    end.send();
    end.write(BYTES);
  },
  (end) => end.giveBack(),
  (end) => end.close(),
  (end) => end.shutdown(),
  () => undefined,
  () => undefined,
];

function strikeByPeer(race: Race): void {
  race.resetOther();
  if (race.struck !== undefined) AFTERMATHS[race.chance.below(AFTERMATHS.length)]?.(race.struck);
}

export const FAULTS: readonly Fault[] = [
  { name: 'its abort()', strike: ({ struck }) => struck?.abort() },
  { name: 'its abort(), a microtask later', strike: ({ struck }) => struck?.later(() => struck.abort()) },
  { name: 'the peer’s reset', strike: strikeByPeer },
  {
    name: 'the peer’s reset, a microtask later',
    strike: (race) => race.struck?.later(() => strikeByPeer(race)),
  },
  {
    name: 'both ends abort',
    strike: (race) => {
      if (race.chance.below(2) === 0) race.resetOther();
      race.struck?.abort();
      race.resetOther();
    },
  },
  {
    name: 'a neighbour is aborted as well',
    strike: (race) => {
      strikeNeighbour(race.neighbour());
      race.struck?.abort();
    },
  },
  { name: 'a handler throws', isRare: true, strike: ({ running }) => running?.throwNow() },
];

/** In whatever situation it is, of a callback of another client. */
function strikeNeighbour(neighbour: Race | undefined): void {
  if (neighbour === undefined) return;
  const { near, far, chance } = neighbour;
  const what = chance.below(4);
  if (what > 0) near.write(BYTES);
  if (what > 1) far?.abort();
  if (what > 2) near.write(BYTES);
  else near.abort();
}

// ---- when

export const CONNECTED: readonly Situation[] = [
  { name: 'in onConnect', side: 'near', on: (event) => event === 'connect' },
  { name: 'when both ends stand', begin: () => true },
];

/** In the callback in which both ends begin. */
export const WRITTEN: readonly Situation[] = [
  {
    name: 'added and not sent',
    begin: (_, struck) => {
      struck.add(BYTES);
      return true;
    },
  },
  {
    name: 'full and not sent',
    begin: (_, struck) => {
      struck.add(BYTES);
      struck.fill();
      return true;
    },
  },
  {
    name: 'sent, nothing acknowledged',
    begin: (_, struck) => {
      struck.write(BYTES);
      return true;
    },
  },
  {
    name: 'full and sent',
    begin: (_, struck) => {
      struck.fill();
      struck.send();
      return true;
    },
  },
  {
    name: 'held back for more',
    begin: (_, struck) => {
      struck.add(BYTES, ASYNC_WRITE_FLAG_COPY | ASYNC_WRITE_FLAG_MORE);
      struck.send();
      struck.add(BYTES, ASYNC_WRITE_FLAG_MORE);
      return true;
    },
  },
];

export const UNDER_WAY: readonly Situation[] = [
  {
    name: 'in onAck',
    listens: 'acks',
    begin: (_, struck) => {
      struck.write(BYTES);
      return false;
    },
    on: (event) => event === 'ack',
  },
  {
    name: 'in onAck with more added',
    listens: 'acks',
    begin: (_, struck) => {
      struck.fill();
      struck.send();
      return false;
    },
    on: (event, _, struck) => {
      if (event === 'ack') struck.add(BYTES);
      return event === 'ack';
    },
  },
  {
    name: 'in onPoll',
    begin: (_, struck) => {
      struck.add(BYTES);
      return false;
    },
    on: (event) => event === 'poll',
  },
  {
    name: 'in onTimeout',
    listens: 'timeouts',
    begin: ({ place }, struck) => {
      struck.client.setAckTimeout(1);
      struck.write(BYTES);
      struck.later(() => place.arena.env.clock.advance(1));
      return false;
    },
    on: (event) => event === 'timeout',
  },
];

const sendsSome = (_: Race, __: Witness, other: Witness): boolean => {
  other.write(BYTES);
  return false;
};

export const RECEIVED: readonly Situation[] = [
  { name: 'in onData', begin: sendsSome, on: (event) => event === 'data' },
  {
    name: 'in onData, answered',
    begin: sendsSome,
    on: (event, _, struck) => {
      if (event === 'data') struck.write(2 * BYTES);
      return event === 'data';
    },
  },
  {
    name: 'in onData with the send buffer full',
    begin: (_, struck, other) => {
      struck.fill();
      other.write(BYTES);
      return false;
    },
    on: (event) => event === 'data',
  },
];

export const WITHHELD: readonly Situation[] = [
  {
    name: 'in onData, withheld',
    begin: sendsSome,
    on: (event, _, struck) => {
      if (event === 'data') struck.withhold();
      return event === 'data';
    },
  },
  {
    name: 'in onData with the window exhausted',
    begin: (_, __, other) => {
      other.write(2 * WINDOW);
      return false;
    },
    on: (event, _, struck) => {
      if (event === 'data') struck.withhold();
      return struck.withheld === WINDOW;
    },
  },
  {
    name: 'in onPoll with the window exhausted',
    begin: (_, __, other) => {
      other.write(2 * WINDOW);
      return false;
    },
    on: (event, _, struck) => {
      if (event === 'data') struck.withhold();
      return event === 'poll' && struck.withheld === WINDOW;
    },
  },
  { name: 'in onPacket', listens: 'packets', begin: sendsSome, on: (event) => event === 'packet' },
  {
    name: 'in onPacket, given back',
    listens: 'packets',
    begin: sendsSome,
    on: (event, _, struck) => {
      if (event === 'packet') struck.giveBack();
      return event === 'packet';
    },
  },
];

const shutsDown = (_: Race, __: Witness, other: Witness): boolean => {
  other.shutdown();
  return false;
};

export const ENDING: readonly Situation[] = [
  {
    name: 'after close()',
    begin: (_, struck) => {
      struck.close();
      return true;
    },
  },
  {
    name: 'after close() with bytes in flight',
    begin: (_, struck) => {
      struck.fill();
      struck.send();
      struck.close();
      return true;
    },
  },
  {
    name: 'in onAck after close()',
    listens: 'acks',
    begin: (_, struck) => {
      struck.add(BYTES);
      struck.close();
      return false;
    },
    on: (event) => event === 'ack',
  },
  {
    name: 'after shutdown()',
    begin: (_, struck) => {
      struck.add(BYTES);
      struck.shutdown();
      return true;
    },
  },
  {
    name: 'in onAck after shutdown()',
    listens: 'acks',
    begin: (_, struck) => {
      struck.add(BYTES);
      struck.shutdown();
      return false;
    },
    on: (event) => event === 'ack',
  },
  {
    name: 'in onPoll after shutdown()',
    begin: (_, struck) => {
      struck.shutdown();
      return false;
    },
    on: (event) => event === 'poll',
  },
];

export const ENDED: readonly Situation[] = [
  { name: 'in onEnd', begin: shutsDown, on: (event) => event === 'end' },
  {
    name: 'in onEnd after close()',
    begin: shutsDown,
    on: (event, _, struck) => {
      if (event !== 'end') return false;
      struck.add(BYTES);
      struck.close();
      return true;
    },
  },
  {
    name: 'half-open, in onAck',
    listens: 'acks',
    begin: shutsDown,
    on: (event, _, struck) => {
      if (event === 'end') struck.write(BYTES);
      return event === 'ack';
    },
  },
  {
    name: 'half-open, in onPoll',
    begin: shutsDown,
    on: (event, _, struck) => event === 'poll' && struck.ended,
  },
  {
    name: 'in onError',
    isOver: true,
    begin: (_, struck) => {
      struck.abort();
      return false;
    },
    on: (event) => event === 'error',
  },
  {
    name: 'in onDisconnect',
    isOver: true,
    begin: (_, __, other) => {
      other.abort();
      return false;
    },
    on: (event) => event === 'disconnect',
  },
];

/** The system takes nothing more, because the peer does not read: nothing is acknowledged any more. */
function stuck(name: string, then: (struck: Witness) => void): Situation {
  const fill = (struck: Witness): void => {
    struck.fill();
    struck.send();
  };
  return {
    name,
    listens: 'timeouts',
    isUnread: true,
    begin: (_, struck) => {
      // Several polls: each of them has filled the buffer again if there was space.
      struck.client.setAckTimeout(2000);
      fill(struck);
      return false;
    },
    on: (event, _, struck) => {
      if (event === 'poll' && struck.look() > 0) fill(struck);
      if (event !== 'timeout') return false;
      struck.expectFull();
      then(struck);
      return true;
    },
  };
}

export const UNREAD: readonly Situation[] = [
  stuck('in onTimeout with the peer not reading', () => undefined),
  stuck('after close() with the peer not reading', (struck) => struck.close()),
  stuck('after shutdown() with the peer not reading', (struck) => struck.shutdown()),
];

// ---- while dialing

function dialThen(name: string, then: (race: Race) => void): Moment {
  return {
    name: `dialing: ${name}`,
    dial: (race) => {
      race.place.dial(race.near);
      then(race);
    },
  };
}

function strikeNear(race: Race): void {
  if (!race.near.isClosed) race.place.reached += 1;
  race.isStruck = true;
  race.near.abort();
}

export const DIALING: readonly Moment[] = [
  {
    name: 'dialing: nobody listens',
    dial: ({ near, place }) => {
      near.connect(place.arena.env.address, UNUSED_PORT);
      place.reached += 1;
    },
  },
  {
    name: 'dialing: nobody has the name',
    faultCode: ErrorCode.ERR_DNS,
    dial: ({ near, place }) => {
      near.connect('unknown.test', UNUSED_PORT);
      place.reached += 1;
    },
  },
  {
    name: 'dialing: too late',
    faultCode: ErrorCode.ERR_TIMEOUT,
    dial: ({ near, place }) => {
      const { address, clock } = place.arena.env;
      near.connect(address, place.port, { timeoutMs: 1 });
      near.later(() => {
        clock.advance(1);
        if (near.isClosed) place.reached += 1;
      });
    },
  },
  dialThen('its abort()', strikeNear),
  dialThen('its abort(), a microtask later', (race) => race.near.later(() => strikeNear(race))),
  ...[0, 1].map((microtasks): Moment => ({
    name: `dialing: its signal${microtasks > 0 ? ', a microtask later' : ''}`,
    dial: ({ near, place }) => {
      const controller = new AbortController();
      const strike = (): void => {
        controller.abort();
        near.wasAborted();
        place.reached += 1;
      };
      near.connect(place.arena.env.address, place.port, { signal: controller.signal });
      if (microtasks > 0) near.later(strike);
      else strike();
    },
  })),
  // One client at a time: then `node:net` mostly accepts before it tells of the connection made.
  {
    name: 'dialing: the peer’s reset in onClient',
    clients: 1,
    accepted: (far, place) => {
      place.reached += 1;
      far.abort();
    },
  },
  {
    name: 'dialing: the peer’s reset a microtask after onClient',
    clients: 1,
    accepted: (far, place) => {
      far.later(() => {
        if (!far.isClosed) place.reached += 1;
        far.abort();
      });
    },
  },
  {
    name: 'dialing: the peer’s exception in onClient',
    clients: 1,
    accepted: (far, place) => {
      place.reached += 1;
      far.throwNow();
    },
  },
];
