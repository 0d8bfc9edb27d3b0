import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  beforePeerEnded,
  canSend,
  hasPeerEnded,
  isClosed,
  isFinDue,
  isFinSent,
  isGone,
  Phase,
  phaseAfter,
  PHASES,
  type PhaseEvent,
} from './connection-phase.js';
import { TcpState } from '../../port/tcp-state.js';

const ALL = Object.values(Phase);
const NAMES = new Map(Object.entries(Phase).map(([name, phase]) => [phase, name]));
const EVENTS: readonly PhaseEvent[] = ['shutdown', 'close', 'finSent', 'peerEnded', 'fault', 'end'];

/** Facts that a phase states of a connection that is not gone. */
interface Facts {
  readonly fin: 'none' | 'due' | 'sent';
  readonly peerEnded: boolean;
  readonly closed: boolean;
}

function factsOf(phase: Phase): Facts {
  const fin = isFinSent(phase) ? 'sent' : isFinDue(phase) ? 'due' : 'none';
  return { fin, peerEnded: hasPeerEnded(phase), closed: isClosed(phase) };
}

/** Returns the facts after an event, by rules written down a second time, without the table. */
function expected({ fin, peerEnded, closed }: Facts, event: PhaseEvent): Facts {
  const asked = fin === 'none' ? 'due' : fin;
  if (event === 'shutdown') return { fin: asked, peerEnded, closed };
  if (event === 'close') return { fin: asked, peerEnded, closed: true };
  if (event === 'finSent') return { fin: fin === 'due' ? 'sent' : fin, peerEnded, closed };
  return { fin, peerEnded: true, closed };
}

describe('the phases of a connection', () => {
  for (const phase of ALL) {
    for (const event of EVENTS) {
      it(`${String(NAMES.get(phase))} on ${event}`, () => {
        const next = phaseAfter(phase, event);
        if (event === 'end' || phase === Phase.OVER) assert.equal(next, Phase.OVER);
        else if (event === 'fault' || phase === Phase.FAILED) assert.equal(next, Phase.FAILED);
        else assert.deepEqual(factsOf(next), expected(factsOf(phase), event));
      });
    }
  }

  it('say different things, each of them', () => {
    const texts = ALL.filter((phase) => !isGone(phase)).map((phase) => JSON.stringify(factsOf(phase)));
    assert.equal(new Set(texts).size, texts.length);
  });

  it('have a twin from before the peer’s FIN, where it has come', () => {
    for (const phase of ALL) {
      const before = beforePeerEnded(phase);
      if (!hasPeerEnded(phase)) assert.equal(before, phase);
      else assert.deepEqual(factsOf(before), { ...factsOf(phase), peerEnded: false });
    }
  });

  it('can all be reached from OPEN', () => {
    const reached = new Set<Phase>([Phase.OPEN]);
    for (const phase of reached) for (const event of EVENTS) reached.add(phaseAfter(phase, event));
    assert.equal(reached.size, ALL.length);
  });

  it('let bytes be sent only before our FIN, and show a state that agrees', () => {
    for (const phase of ALL) {
      const { state } = PHASES[phase];
      const isOpen = state === TcpState.ESTABLISHED || state === TcpState.CLOSE_WAIT;
      assert.equal(canSend(phase), isOpen, NAMES.get(phase));
      assert.equal(isGone(phase), state === TcpState.CLOSED, NAMES.get(phase));
    }
  });
});
