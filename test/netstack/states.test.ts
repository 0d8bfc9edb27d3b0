/** The table of states (RFC 9293 figure 5), walked whole. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changeState, type StateEvent, TcpState, TRANSITIONS } from '#src/netstack/tcp/state.js';
import { Bed, established, stateName, type Conversation } from './bed.js';

const S = TcpState;

function opening(): Conversation {
  const bed = new Bed();
  bed.listen(80);
  const peer = bed.peer({ port: 80 });
  peer.syn();
  const [c] = bed.tcp;
  assert.ok(c !== undefined);
  return { bed, c, peer };
}

function connecting(): Conversation {
  const bed = new Bed();
  const c = bed.connect(5000, 80);
  const peer = bed.peer({ port: 80 });
  peer.takeUnread();
  return { bed, c, peer };
}

function after(conversation: Conversation, ...acts: ((conversation: Conversation) => void)[]): Conversation {
  for (const act of acts) act(conversation);
  return conversation;
}

const shut = ({ c, bed }: Conversation): void => {
  c.shutdown();
  bed.settle();
};
const ackAll = ({ peer }: Conversation): void => {
  peer.takeUnread();
  peer.ackAll();
};
/** FIN of a peer that has not got this side's. */
const fin = ({ peer }: Conversation): void => {
  peer.send({ flags: 'FA', seq: peer.nxt, ack: 1 });
};

/** Ways into each state. */
const REACHED: Readonly<Partial<Record<TcpState, () => Conversation>>> = {
  [S.SYN_SENT]: connecting,
  [S.SYN_RECEIVED]: opening,
  [S.ESTABLISHED]: () => established(),
  [S.FIN_WAIT_1]: () => after(established(), shut),
  [S.FIN_WAIT_2]: () => after(established(), shut, ackAll),
  [S.CLOSE_WAIT]: () => after(established(), fin),
  [S.CLOSING]: () => after(established(), shut, fin),
  [S.LAST_ACK]: () => after(established(), fin, shut),
  [S.TIME_WAIT]: () => after(established(), shut, ackAll, fin),
};

/** What brings an event about, where it may happen at all. */
const ACTS: Readonly<Partial<Record<StateEvent, (conversation: Conversation) => void>>> = {
  peerSyn: ({ peer }) => {
    peer.syn();
  },
  established: ({ c, peer }) => {
    if (c.state === S.SYN_SENT) peer.syn({ flags: 'SA', ack: 1 });
    else peer.send({ ack: 1 });
  },
  shutdown: shut,
  finAcked: ({ c, peer }) => {
    // In front of the end of the handshake, any acceptable ACK completes that instead.
    peer.takeUnread();
    if (c.isFinSent) peer.ackAll();
  },
  peerFin: ({ c, peer }) => {
    if (c.state >= S.ESTABLISHED) fin({ c, peer, bed: peer.bed });
    else peer.send({ flags: 'F', seq: 1 });
  },
  delete: ({ c }) => {
    c.abort();
  },
};

const EVENTS: readonly StateEvent[] = [
  'connect',
  'listenerSyn',
  'peerSyn',
  'established',
  'shutdown',
  'finAcked',
  'peerFin',
  'delete',
];

/** Where a call is one event more: CLOSE in SYN_SENT deletes the connection (§3.10.4). */
function expected(state: TcpState, event: StateEvent): TcpState {
  if (state === S.SYN_SENT && event === 'shutdown') return S.CLOSED;
  return TRANSITIONS[state][event] ?? state;
}

describe('the table of states', () => {
  for (const state of Object.values(S)) {
    const reach = REACHED[state];
    if (reach === undefined) continue;
    it(`${stateName(state)} is reached by segments and calls`, () => {
      assert.equal(stateName(reach().c.state), stateName(state));
    });
    for (const event of EVENTS) {
      const act = ACTS[event];
      if (act === undefined) continue;
      const next = expected(state, event);
      const title = next === state ? 'stays' : `becomes ${stateName(next)}`;
      it(`${stateName(state)} ${title} on ${event}`, () => {
        const conversation = reach();
        act(conversation);
        conversation.bed.settle();
        assert.equal(stateName(conversation.c.state), stateName(next));
      });
    }
  }

  it('makes no transition that it does not have', () => {
    for (const state of Object.values(S)) {
      for (const event of EVENTS) {
        const connection = { state };
        const next = TRANSITIONS[state][event];
        if (next !== undefined) {
          changeState(connection, event);
          assert.equal(connection.state, next);
          continue;
        }
        assert.throws(() => {
          changeState(connection, event);
        }, /figure 5/);
      }
    }
  });
});
