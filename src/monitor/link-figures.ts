/** The links that stay up, from their reports; and the events that their changes make. */
import { linkReports, registeredLinks, type LinkReport, type ReportingLink } from '../gateway/link-report.js';
import type { EventLog } from './event-log.js';
import type { LinkFigures } from './snapshot.js';

function figuresOf(report: LinkReport, nowMs: number, wallOffsetMs: number): LinkFigures {
  const { name, host, port, state, sinceMs, retryAtMs, attempts, ups, losses, lastFailure } = report;
  return {
    name,
    host,
    port,
    state,
    sinceAtMs: Math.round(sinceMs + wallOffsetMs),
    retryInMs: retryAtMs === undefined ? null : Math.max(0, Math.round(retryAtMs - nowMs)),
    attempts,
    ups,
    losses,
    lastFailure:
      lastFailure === undefined
        ? null
        : {
            reason: lastFailure.reason,
            text: lastFailure.text,
            atMs: Math.round(lastFailure.atMs + wallOffsetMs),
          },
  };
}

/** Returns the figures of the links of this thread, the oldest first. */
export function linkFigures(nowMs: number, wallOffsetMs: number): LinkFigures[] {
  return linkReports().map((report) => figuresOf(report, nowMs, wallOffsetMs));
}

interface Seen {
  readonly ups: number;
  readonly losses: number;
  readonly hasEnded: boolean;
}

const NOTHING_SEEN: Seen = { ups: 0, losses: 0, hasEnded: false };

/** Compares the reports of each second with those of the second before. */
export class LinkWatch {
  #seen = new Map<ReportingLink, Seen>();

  sample(events: EventLog): void {
    const seen = new Map<ReportingLink, Seen>();
    for (const link of registeredLinks()) {
      const report = link.report();
      const { ups, losses, state } = report;
      const now = { ups, losses, hasEnded: state === 'ended' };
      seen.set(link, now);
      note(report, now, this.#seen.get(link) ?? NOTHING_SEEN, events);
    }
    this.#seen = seen;
  }
}

function note({ name, lastFailure }: LinkReport, now: Seen, before: Seen, events: EventLog): void {
  const { ups, losses, hasEnded } = now;
  const reason = lastFailure === undefined ? '' : `: ${lastFailure.reason}, ${lastFailure.text}`;
  if (losses > before.losses) events.add('link', 'warn', `link ${name} was lost${reason}`);
  if (ups > before.ups) events.add('link', 'info', `link ${name} is up`);
  if (hasEnded && !before.hasEnded) events.add('link', 'error', `link ${name} has ended${reason}`);
}
