/**
 * The points of a connection's life at which an error can come: the injections, and the situations in which
 * they come.
 */
import { ASYNC_WRITE_FLAG_COPY, ASYNC_WRITE_FLAG_MORE, ErrorCode } from 'asynctcp';
import type { CheckedClient } from './checked-client.js';
import type { FailurePoint, Injection, Race, Situation } from './race.js';
import { UNUSED_PORT } from '../support/unused.js';

export const SEND_BUFFER = 4096;
export const WINDOW = 2048;
const BYTES = 100;

// ---- injections

type Calls = (end: CheckedClient) => void;

/** Calls that a client may still make in the callback in which its peer has reset the connection. */
const CALLS_AFTER_RESET: readonly [Calls, ...Calls[]] = [
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

function injectPeerReset(race: Race): void {
  race.resetOther();
  if (race.victim !== undefined) race.random.pick(CALLS_AFTER_RESET)(race.victim);
}

export const INJECTIONS: readonly Injection[] = [
  { name: 'its abort()', inject: ({ victim }) => victim?.abort() },
  { name: 'its abort(), a microtask later', inject: ({ victim }) => victim?.later(() => victim.abort()) },
  { name: 'the peer’s reset', inject: injectPeerReset },
  {
    name: 'the peer’s reset, a microtask later',
    inject: (race) => race.victim?.later(() => injectPeerReset(race)),
  },
  {
    name: 'both ends abort',
    inject: (race) => {
      if (race.random.isOneIn(2)) race.resetOther();
      race.victim?.abort();
      race.resetOther();
    },
  },
  {
    name: 'a neighbour is aborted as well',
    inject: (race) => {
      injectInNeighbour(race.neighbour());
      race.victim?.abort();
    },
  },
  { name: 'a handler throws', isRare: true, inject: ({ running }) => running?.throwNow() },
];

/** Ends another connection from within a callback of this one, in any situation. */
function injectInNeighbour(neighbour: Race | undefined): void {
  if (neighbour === undefined) return;
  const { near, far, random } = neighbour;
  const steps = random.whole(0, 3);
  if (steps > 0) near.write(BYTES);
  if (steps > 1) far?.abort();
  if (steps > 2) near.write(BYTES);
  else near.abort();
}

// ---- situations

export const CONNECTED: readonly Situation[] = [
  { name: 'in onConnect', side: 'near', on: (event) => event === 'connect' },
  { name: 'when both ends stand', begin: () => true },
];

/** Situations in the callback in which both ends begin. */
export const WRITTEN: readonly Situation[] = [
  {
    name: 'added and not sent',
    begin: (_, victim) => {
      victim.add(BYTES);
      return true;
    },
  },
  {
    name: 'full and not sent',
    begin: (_, victim) => {
      victim.add(BYTES);
      victim.fill();
      return true;
    },
  },
  {
    name: 'sent, nothing acknowledged',
    begin: (_, victim) => {
      victim.write(BYTES);
      return true;
    },
  },
  {
    name: 'full and sent',
    begin: (_, victim) => {
      victim.fill();
      victim.send();
      return true;
    },
  },
  {
    name: 'held back for more',
    begin: (_, victim) => {
      victim.add(BYTES, ASYNC_WRITE_FLAG_COPY | ASYNC_WRITE_FLAG_MORE);
      victim.send();
      victim.add(BYTES, ASYNC_WRITE_FLAG_MORE);
      return true;
    },
  },
];

export const UNDER_WAY: readonly Situation[] = [
  {
    name: 'in onAck',
    listens: 'acks',
    begin: (_, victim) => {
      victim.write(BYTES);
      return false;
    },
    on: (event) => event === 'ack',
  },
  {
    name: 'in onAck with more added',
    listens: 'acks',
    begin: (_, victim) => {
      victim.fill();
      victim.send();
      return false;
    },
    on: (event, _, victim) => {
      if (event === 'ack') victim.add(BYTES);
      return event === 'ack';
    },
  },
  {
    name: 'in onPoll',
    begin: (_, victim) => {
      victim.add(BYTES);
      return false;
    },
    on: (event) => event === 'poll',
  },
  {
    name: 'in onTimeout',
    listens: 'timeouts',
    begin: ({ fixture }, victim) => {
      victim.client.setAckTimeout(1);
      victim.write(BYTES);
      victim.later(() => fixture.harness.env.clock.advance(1));
      return false;
    },
    on: (event) => event === 'timeout',
  },
];

const sendsSome = (_: Race, __: CheckedClient, other: CheckedClient): boolean => {
  other.write(BYTES);
  return false;
};

export const RECEIVED: readonly Situation[] = [
  { name: 'in onData', begin: sendsSome, on: (event) => event === 'data' },
  {
    name: 'in onData, answered',
    begin: sendsSome,
    on: (event, _, victim) => {
      if (event === 'data') victim.write(2 * BYTES);
      return event === 'data';
    },
  },
  {
    name: 'in onData with the send buffer full',
    begin: (_, victim, other) => {
      victim.fill();
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
    on: (event, _, victim) => {
      if (event === 'data') victim.withhold();
      return event === 'data';
    },
  },
  {
    name: 'in onData with the window exhausted',
    begin: (_, __, other) => {
      other.write(2 * WINDOW);
      return false;
    },
    on: (event, _, victim) => {
      if (event === 'data') victim.withhold();
      return victim.withheld === WINDOW;
    },
  },
  {
    name: 'in onPoll with the window exhausted',
    begin: (_, __, other) => {
      other.write(2 * WINDOW);
      return false;
    },
    on: (event, _, victim) => {
      if (event === 'data') victim.withhold();
      return event === 'poll' && victim.withheld === WINDOW;
    },
  },
  { name: 'in onPacket', listens: 'packets', begin: sendsSome, on: (event) => event === 'packet' },
  {
    name: 'in onPacket, given back',
    listens: 'packets',
    begin: sendsSome,
    on: (event, _, victim) => {
      if (event === 'packet') victim.giveBack();
      return event === 'packet';
    },
  },
];

const shutsDown = (_: Race, __: CheckedClient, other: CheckedClient): boolean => {
  other.shutdown();
  return false;
};

export const ENDING: readonly Situation[] = [
  {
    name: 'after close()',
    begin: (_, victim) => {
      victim.close();
      return true;
    },
  },
  {
    name: 'after close() with bytes in flight',
    begin: (_, victim) => {
      victim.fill();
      victim.send();
      victim.close();
      return true;
    },
  },
  {
    name: 'in onAck after close()',
    listens: 'acks',
    begin: (_, victim) => {
      victim.add(BYTES);
      victim.close();
      return false;
    },
    on: (event) => event === 'ack',
  },
  {
    name: 'after shutdown()',
    begin: (_, victim) => {
      victim.add(BYTES);
      victim.shutdown();
      return true;
    },
  },
  {
    name: 'in onAck after shutdown()',
    listens: 'acks',
    begin: (_, victim) => {
      victim.add(BYTES);
      victim.shutdown();
      return false;
    },
    on: (event) => event === 'ack',
  },
  {
    name: 'in onPoll after shutdown()',
    begin: (_, victim) => {
      victim.shutdown();
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
    on: (event, _, victim) => {
      if (event !== 'end') return false;
      victim.add(BYTES);
      victim.close();
      return true;
    },
  },
  {
    name: 'half-open, in onAck',
    listens: 'acks',
    begin: shutsDown,
    on: (event, _, victim) => {
      if (event === 'end') victim.write(BYTES);
      return event === 'ack';
    },
  },
  {
    name: 'half-open, in onPoll',
    begin: shutsDown,
    on: (event, _, victim) => event === 'poll' && victim.ended,
  },
  {
    name: 'in onError',
    isOver: true,
    begin: (_, victim) => {
      victim.abort();
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

/** The peer does not read, so that the system takes nothing more and nothing is acknowledged. */
function unread(name: string, then: (victim: CheckedClient) => void): Situation {
  const fill = (victim: CheckedClient): void => {
    victim.fill();
    victim.send();
  };
  return {
    name,
    listens: 'timeouts',
    isUnread: true,
    begin: (_, victim) => {
      // Lasts several polls. Each of them fills the buffer again if there is space.
      victim.client.setAckTimeout(2000);
      fill(victim);
      return false;
    },
    on: (event, _, victim) => {
      if (event === 'poll' && victim.checkSpace() > 0) fill(victim);
      if (event !== 'timeout') return false;
      victim.expectFull();
      then(victim);
      return true;
    },
  };
}

export const UNREAD: readonly Situation[] = [
  unread('in onTimeout with the peer not reading', () => undefined),
  unread('after close() with the peer not reading', (victim) => victim.close()),
  unread('after shutdown() with the peer not reading', (victim) => victim.shutdown()),
];

// ---- while dialing

function dialThen(name: string, then: (race: Race) => void): FailurePoint {
  return {
    name: `dialing: ${name}`,
    dial: (race) => {
      race.fixture.dial(race.near);
      then(race);
    },
  };
}

function injectAtNear(race: Race): void {
  if (!race.near.isClosed) race.fixture.reached += 1;
  race.isInjected = true;
  race.near.abort();
}

export const DIALING: readonly FailurePoint[] = [
  {
    name: 'dialing: nobody listens',
    dial: ({ near, fixture }) => {
      near.connect(fixture.harness.env.address, UNUSED_PORT);
      fixture.reached += 1;
    },
  },
  {
    name: 'dialing: nobody has the name',
    expectedCode: ErrorCode.ERR_DNS,
    dial: ({ near, fixture }) => {
      near.connect('unknown.test', UNUSED_PORT);
      fixture.reached += 1;
    },
  },
  {
    name: 'dialing: too late',
    expectedCode: ErrorCode.ERR_TIMEOUT,
    dial: ({ near, fixture }) => {
      const { address, clock } = fixture.harness.env;
      near.connect(address, fixture.port, { timeoutMs: 1 });
      near.later(() => {
        clock.advance(1);
        if (near.isClosed) fixture.reached += 1;
      });
    },
  },
  dialThen('its abort()', injectAtNear),
  dialThen('its abort(), a microtask later', (race) => race.near.later(() => injectAtNear(race))),
  ...[0, 1].map((microtasks): FailurePoint => ({
    name: `dialing: its signal${microtasks > 0 ? ', a microtask later' : ''}`,
    dial: ({ near, fixture }) => {
      const controller = new AbortController();
      const inject = (): void => {
        controller.abort();
        near.wasAborted();
        fixture.reached += 1;
      };
      near.connect(fixture.harness.env.address, fixture.port, { signal: controller.signal });
      if (microtasks > 0) near.later(inject);
      else inject();
    },
  })),
  // With one client at a time `node:net` mostly accepts a connection before it reports its `connect`.
  {
    name: 'dialing: the peer’s reset in onClient',
    clients: 1,
    accepted: (far, fixture) => {
      fixture.reached += 1;
      far.abort();
    },
  },
  {
    name: 'dialing: the peer’s reset a microtask after onClient',
    clients: 1,
    accepted: (far, fixture) => {
      far.later(() => {
        if (!far.isClosed) fixture.reached += 1;
        far.abort();
      });
    },
  },
  {
    name: 'dialing: the peer’s exception in onClient',
    clients: 1,
    accepted: (far, fixture) => {
      fixture.reached += 1;
      far.throwNow();
    },
  },
];
