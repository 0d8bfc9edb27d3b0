/**
 * The form in which this folder writes down a life: for each phase, the events that matter in it, the phase
 * that follows and the acts that go with it. An event that a phase leaves out changes nothing.
 */
export interface Step<Phase, Act> {
  readonly to: Phase;
  /** In the order in which they happen, after the phase has changed. */
  readonly acts: readonly Act[];
}

export type PhaseTable<Phase extends string, Event extends string, Act> = Readonly<
  Record<Phase, Readonly<Partial<Record<Event, Step<Phase, Act>>>>>
>;

/** Returns a step of a table. */
export function step<Phase, Act>(to: Phase, ...acts: readonly Act[]): Step<Phase, Act> {
  return { to, acts };
}

const NO_ACTS = [] as const;

/** Returns what an event does in a phase. */
export function stepOn<Phase extends string, Event extends string, Act>(
  table: PhaseTable<Phase, Event, Act>,
  phase: Phase,
  event: Event,
): Step<Phase, Act> {
  return table[phase][event] ?? { to: phase, acts: NO_ACTS };
}
