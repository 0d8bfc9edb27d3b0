/** The first line of the dashboard: does it accept, and which connection is stuck, and why. */
import type { ConnectionFigures, LinkFigures, ListenerFigures, Snapshot } from 'asynctcp/monitor';
import { bytesText, countText, durationText, endpointText } from './words.js';

/** `well`: all accept, and nothing is stuck. `strained`: something is. `failed`: no listener accepts. */
export type VerdictLevel = 'well' | 'strained' | 'failed';

export interface Verdict {
  readonly level: VerdictLevel;
  /** A sentence without figures that change each second, so that a screen reader says it once. */
  readonly text: string;
  /** The connections that are stuck, the longest first, each in a sentence. */
  readonly stuck: readonly StuckConnection[];
}

/** The ends of a connection in words. */
export interface Ends {
  /** Address and port of the peer. */
  readonly peer: string;
  /** The rest: number, direction and own port. */
  readonly note: string;
}

export interface StuckConnection extends Ends {
  readonly id: number;
  /** The cause in a few words. */
  readonly cause: string;
  /** The cause in a sentence, with its figures. */
  readonly why: string;
}

/** Stuck connections that the verdict names; the table has more. */
const NAMED = 3;

/**
 * Returns the verdict on the program: the dashboard's own listener does not count.
 * @param blocked the blocked connections, the longest first.
 */
export function verdictOf(
  snapshot: Snapshot,
  blocked: readonly ConnectionFigures[],
  ownPort: number,
): Verdict {
  const { links, atMs } = snapshot;
  const all = snapshot.listeners.filter(({ port }) => port !== ownPort);
  // A program may well end one of its servers.
  const present = all.filter(({ why }) => why !== 'ended');
  const listeners = present.length > 0 ? present : all;
  const deaf = listeners.filter(({ accepting }) => !accepting);
  const down = links.filter(({ state }) => state !== 'up');
  const texts = [acceptText(listeners, deaf)];
  if (blocked.length > 0) texts.push(blockedText(blocked));
  if (down.length > 0) texts.push(downText(down));
  if (blocked.length === 0 && down.length === 0) texts.push('No connection is stuck.');
  const isFailed = listeners.length > 0 && deaf.length === listeners.length;
  const isWell = deaf.length === 0 && blocked.length === 0 && down.length === 0;
  return {
    level: isFailed ? 'failed' : isWell ? 'well' : 'strained',
    text: texts.join(' '),
    stuck: blocked.slice(0, NAMED).map((figures) => ({
      id: figures.id,
      ...endsOf(figures),
      cause: figures.blocked ?? 'unknown',
      why: whyOf(figures, atMs),
    })),
  };
}

function acceptText(listeners: readonly ListenerFigures[], deaf: readonly ListenerFigures[]): string {
  if (listeners.length === 0) return 'No server listens.';
  if (deaf.length === 0) return 'Accepting.';
  const names = deaf.map(({ address, port, why }) => `${endpointText(address, port)} (${why ?? 'unknown'})`);
  return deaf.length === listeners.length
    ? `Not accepting: ${names.join(', ')}.`
    : `Not accepting on ${names.join(', ')}.`;
}

function blockedText(blocked: readonly ConnectionFigures[]): string {
  const [first] = blocked;
  if (blocked.length > 1 || first === undefined) return `${blocked.length} connections are stuck.`;
  const peer = endpointText(first.remoteAddress, first.remotePort);
  switch (first.blocked) {
    case 'peer does not read':
      return `1 connection is stuck: ${peer} does not read.`;
    case 'peer does not answer':
      return `1 connection is stuck: ${peer} does not answer.`;
    case 'peer takes nothing':
      return `1 connection is stuck: ${peer} takes nothing.`;
    case 'program does not read':
    case null:
      return `1 connection is stuck: this program does not read from ${peer}.`;
  }
}

function downText(down: readonly LinkFigures[]): string {
  return down.length > 1 ? `${down.length} links are down.` : `The link ${down[0]?.name ?? ''} is down.`;
}

export function endsOf({ id, direction, remoteAddress, remotePort, localPort }: ConnectionFigures): Ends {
  const note = direction === 'in' ? `#${id}, to port ${localPort}` : `#${id}, opened here`;
  return { peer: endpointText(remoteAddress, remotePort), note };
}

/** Returns the cause of a blockage in a sentence, with its figures; empty without one. */
export function whyOf(figures: ConnectionFigures, atMs: number): string {
  const { blocked, blockedAtMs, unacknowledged, withheld, paused } = figures;
  const duration = blockedAtMs === null ? '' : ` for ${durationText(atMs - blockedAtMs)}`;
  switch (blocked) {
    case 'peer does not read':
      return `The peer's program has not read${duration}: ${windowText(figures)}, and ${bytesText(unacknowledged)} wait for it here.`;
    case 'peer does not answer':
      return `The peer has acknowledged nothing${duration}: ${bytesText(unacknowledged)} are on the way${againText(figures)}. It is gone, or the network loses them.`;
    case 'peer takes nothing':
      return `The peer has taken nothing${duration}: ${bytesText(unacknowledged)} wait for it here. It does not read, or is gone: the stack does not know which.`;
    case 'program does not read': {
      const how = paused ? 'it has paused reading' : 'it has not acknowledged what it got';
      const data = withheld === 0 ? 'data waits' : `${bytesText(withheld)} wait`;
      return `This program has not read${duration}: ${how}, and ${data} for it.`;
    }
    case null:
      return '';
  }
}

function windowText({ peerWindow }: ConnectionFigures): string {
  if (peerWindow === null || peerWindow === 0) return 'its receive window is closed';
  return `its receive window has only ${bytesText(peerWindow)}`;
}

function againText({ retransmissions, heardAgoMs }: ConnectionFigures): string {
  const again = retransmissions === null ? '' : `, sent again ${countText(retransmissions, 'time')}`;
  return heardAgoMs === null ? again : `${again}; it was last heard of ${durationText(heardAgoMs)} ago`;
}
