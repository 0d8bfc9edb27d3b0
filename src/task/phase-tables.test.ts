/**
 * Walks the tables of this folder. Each grid states a second time, for every phase (row) and event
 * (column), which phase follows and, in brackets, which acts go with it; '.' means that the event changes
 * nothing.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EXAMINATION_PHASES } from './examination-phase.js';
import { GROUP_PHASES } from './group-phase.js';
import { stepOn, type PhaseTable } from './phase-table.js';
import { SEAT_PHASES } from './seat-phase.js';
import { TASK_PHASES } from './task-phase.js';
import { WATCHDOG_PHASES } from './watchdog-phase.js';
import { START_PHASES } from './watchdog-start-phase.js';

interface Life {
  readonly table: PhaseTable<string, string, string>;
  readonly first: string;
  /** Phases in which the life rests for good. */
  readonly last: readonly string[];
  readonly events: readonly string[];
  /** For each phase, the outcomes of the events in their order. */
  readonly outcomes: Readonly<Record<string, readonly string[]>>;
}

const TASK: Life = {
  table: TASK_PHASES,
  first: 'RUNNING',
  last: ['ENDED'],
  events: ['panic', 'threadEnded', 'backOffOver', 'terminate'],
  outcomes: {
    RUNNING: ['PANICKED (endThreadOrProcess)', 'ENDED (settle)', '.', 'TERMINATING (endThread)'],
    PANICKED: ['.', 'WAITING (startBackOff returnSignal)', '.', 'TERMINATING ()'],
    WAITING: ['.', '.', 'RUNNING (startThread)', 'ENDED (cancelBackOff settle)'],
    TERMINATING: ['.', 'ENDED (settle)', '.', '.'],
    ENDED: ['.', '.', '.', '.'],
  },
};

const SEAT: Life = {
  table: SEAT_PHASES,
  first: 'STARTING',
  last: ['ENDED'],
  events: [
    ...['ready', 'panic', 'failed', 'finished', 'backOffOver', 'replace'],
    ...['succeeded', 'notSucceeded', 'stop', 'stopLimitOver', 'terminate'],
  ],
  outcomes: {
    STARTING: [
      ...['RUNNING (reportReady)', 'PANICKED (endThreadOrProcess)'],
      ...['WAITING (startBackOff reportNotLoaded)', 'ENDED (reportEnd)', '.', '.'],
      ...['.', '.', 'STOPPING (askToEnd)', '.', 'TERMINATING (endThread)'],
    ],
    RUNNING: [
      ...['.', 'PANICKED (endThreadOrProcess)', 'WAITING (startBackOff reportFailure)', 'ENDED (reportEnd)'],
      ...['.', 'REPLACING (startSuccessor)', '.', '.'],
      ...['STOPPING (askToEnd)', '.', 'TERMINATING (endThread)'],
    ],
    REPLACING: [
      ...['.', 'PANICKED (endThreadOrProcess endSuccessor reportNotReplaced)'],
      'WAITING (startBackOff reportFailure endSuccessor reportNotReplaced)',
      'ENDED (endSuccessor reportNotReplaced reportEnd)',
      ...['.', '.', 'RUNNING (retireThread promoteSuccessor reportReplaced)'],
      'RUNNING (endSuccessor reportNotReplaced)',
      ...['STOPPING (endSuccessor reportNotReplaced askToEnd)', '.'],
      'TERMINATING (endSuccessor reportNotReplaced endThread)',
    ],
    PANICKED: [
      ...['.', '.', 'WAITING (startBackOff)', 'WAITING (startBackOff)', '.', '.'],
      ...['.', '.', 'TERMINATING ()', '.', 'TERMINATING ()'],
    ],
    WAITING: [
      ...[
        '.',
        '.',
        '.',
        '.',
        'STARTING (startThread)',
        'STARTING (cancelBackOff startThread reportReplaced)',
      ],
      ...['.', '.', 'ENDED (cancelBackOff reportEnd)', '.', 'ENDED (cancelBackOff reportEnd)'],
    ],
    STOPPING: [
      ...['.', 'TERMINATING (endThreadOrProcess)', 'ENDED (reportFailure reportEnd)', 'ENDED (reportEnd)'],
      ...['.', '.', '.', '.', '.', 'TERMINATING (endThreadOrProcess)', 'TERMINATING (endThread)'],
    ],
    TERMINATING: [...['.', '.', 'ENDED (reportEnd)', 'ENDED (reportEnd)', '.', '.', '.', '.', '.', '.', '.']],
    ENDED: ['.', '.', '.', '.', '.', '.', '.', '.', '.', '.', '.'],
  },
};

const STOPS = 'STOPPING (closeSockets stopTasks)';
const TERMINATES = 'TERMINATING (closeSockets terminateTasks)';
const ENDS = 'ENDED (closeSockets settle)';

const GROUP: Life = {
  table: GROUP_PHASES,
  first: 'FIRST',
  last: ['ENDED'],
  events: [
    ...['firstReady', 'reload', 'replaced', 'notReplaced', 'allReplaced'],
    ...['hopeless', 'stop', 'terminate', 'lastEnded'],
  ],
  outcomes: {
    FIRST: ['SERVING (startOthers)', '.', '.', '.', '.', TERMINATES, STOPS, TERMINATES, ENDS],
    SERVING: ['.', 'RELOADING (replaceNext)', '.', '.', '.', TERMINATES, STOPS, TERMINATES, ENDS],
    RELOADING: [
      ...['.', '.', 'RELOADING (replaceNext)', 'SERVING (rejectReload)', 'SERVING (settleReload)'],
      'TERMINATING (rejectReload closeSockets terminateTasks)',
      'STOPPING (rejectReload closeSockets stopTasks)',
      'TERMINATING (rejectReload closeSockets terminateTasks)',
      'ENDED (rejectReload closeSockets settle)',
    ],
    STOPPING: ['.', '.', '.', '.', '.', '.', '.', 'TERMINATING (terminateTasks)', ENDS],
    TERMINATING: ['.', '.', '.', '.', '.', '.', '.', '.', ENDS],
    ENDED: ['.', '.', '.', '.', '.', '.', '.', '.', '.'],
  },
};

const HELD = 'WATCHING (release measureAnew)';
const EXITS = 'ENDING (release)';

const WATCHDOG: Life = {
  table: WATCHDOG_PHASES,
  first: 'WATCHING',
  last: ['ENDING'],
  events: ['late', 'lateFatal', 'slow', 'stuck', 'stopped', 'reset', 'moved', 'held', 'processExits'],
  outcomes: {
    WATCHING: ['EXAMINING (examine)', 'EXAMINING_FATAL (examine)', '.', '.', '.', '.', '.', '.', 'ENDING ()'],
    EXAMINING: [
      ...['.', '.', 'UNSTOPPED (report)', '.'],
      ...['REPORTED (report release)', '.', 'WATCHING (release)', HELD, EXITS],
    ],
    EXAMINING_FATAL: [
      ...['.', '.', 'UNSTOPPED_FATAL (report)', '.'],
      ...['RESETTING (report resetConnections)', '.', 'WATCHING (release)', HELD, EXITS],
    ],
    UNSTOPPED: [
      ...['.', '.', '.', '.'],
      ...['REPORTED (reportPlace release)', '.', 'WATCHING (reportReturn release)', HELD, EXITS],
    ],
    UNSTOPPED_FATAL: [
      ...['.', '.', '.', 'ENDING_UNSTOPPED (endUnstopped)'],
      ...['RESETTING (reportPlace resetConnections)', '.'],
      ...['ENDING (reportReturn endUnstopped release)', HELD, EXITS],
    ],
    REPORTED: ['.', '.', '.', '.', '.', '.', 'WATCHING (reportReturn)', '.', 'ENDING ()'],
    // The reset is answered at once, and then the debugger leaves.
    RESETTING: ['.', '.', '.', '.', '.', 'ENDING (endStopped)', '.', '.', '.'],
    ENDING_UNSTOPPED: [
      ...['.', '.', '.', '.'],
      ...['ENDING (reportPlace release)', '.', 'ENDING (reportReturn release)', EXITS, EXITS],
    ],
    ENDING: ['.', '.', '.', '.', '.', '.', '.', '.', '.'],
  },
};

const EXAMINATION: Life = {
  table: EXAMINATION_PHASES,
  first: 'ATTACHING',
  last: ['GONE'],
  events: ['attached', 'enabled', 'paused', 'release', 'left'],
  outcomes: {
    ATTACHING: ['ENABLING (askToStop)', '.', '.', 'GONE (disconnect)', '.'],
    ENABLING: ['.', 'STOPPING ()', 'ENABLING (reportHeld)', 'LEAVING (leave)', '.'],
    STOPPING: ['.', '.', 'STOPPED (askForPlace)', 'LEAVING (leave)', '.'],
    STOPPED: ['.', '.', '.', 'LEAVING (resume leave)', '.'],
    LEAVING: ['.', '.', '.', '.', 'GONE (disconnect)'],
    GONE: ['.', '.', '.', '.', '.'],
  },
};

const WATCHDOG_START: Life = {
  table: START_PHASES,
  first: 'STARTING',
  last: ['WATCHED', 'UNWATCHED'],
  events: ['online', 'shortage', 'fault', 'backOffOver'],
  outcomes: {
    STARTING: ['WATCHED (reportOnline)', 'WAITING (startBackOff)', 'UNWATCHED (reportFault)', '.'],
    WATCHED: ['.', 'WAITING (startBackOff)', 'UNWATCHED (reportFault)', '.'],
    WAITING: ['.', '.', '.', 'STARTING (start)'],
    UNWATCHED: ['.', '.', '.', '.'],
  },
};

/** Returns all phases that can follow a phase, at once or later, and the phase itself. */
function reachableFrom({ table, events }: Life, phase: string): Set<string> {
  const reached = new Set([phase]);
  for (const from of reached) for (const event of events) reached.add(stepOn(table, from, event).to);
  return reached;
}

function outcomeText({ table }: Life, phase: string, event: string): string {
  if (table[phase]?.[event] === undefined) return '.';
  const { to, acts } = stepOn(table, phase, event);
  return `${to} (${acts.join(' ')})`;
}

for (const [name, life] of Object.entries({ TASK, SEAT, GROUP, WATCHDOG, EXAMINATION, WATCHDOG_START })) {
  describe(`the phases of ${name}`, () => {
    const phases = Object.keys(life.table);

    for (const phase of phases) {
      life.events.forEach((event, index) => {
        it(`${phase} on ${event}`, () => {
          assert.equal(outcomeText(life, phase, event), life.outcomes[phase]?.[index]);
        });
      });
    }

    it('have an outcome for each of their events and know no other event', () => {
      for (const phase of phases) {
        assert.equal(life.outcomes[phase]?.length, life.events.length, phase);
        for (const event of Object.keys(life.table[phase] ?? {}))
          assert.ok(life.events.includes(event), event);
      }
      for (const event of life.events) {
        assert.ok(
          phases.some((phase) => life.table[phase]?.[event] !== undefined),
          `${event} does something in some phase`,
        );
      }
    });

    it('can all be reached', () => {
      assert.deepEqual([...reachableFrom(life, life.first)].sort(), phases.sort());
    });

    it('all lead to the end', () => {
      for (const phase of phases) {
        const reached = reachableFrom(life, phase);
        assert.ok(
          life.last.some((last) => reached.has(last)),
          phase,
        );
      }
    });
  });
}

describe('a watchdog that has announced the end of a task', () => {
  it('never leaves the task running, except to another debugger', () => {
    const { table, events } = WATCHDOG;
    for (const announced of ['UNSTOPPED_FATAL', 'RESETTING', 'ENDING_UNSTOPPED', 'ENDING']) {
      for (const event of events.filter((each) => each !== 'held')) {
        const { to } = stepOn(table, announced, event);
        assert.match(to, /^(UNSTOPPED_FATAL|RESETTING|ENDING|ENDING_UNSTOPPED)$/, `${announced} on ${event}`);
      }
    }
  });

  it('ends the task on every way to ENDING, unless the process exits', () => {
    const { table, events } = WATCHDOG;
    for (const phase of ['UNSTOPPED_FATAL', 'RESETTING']) {
      for (const event of events.filter((each) => each !== 'processExits')) {
        const { to, acts } = stepOn(table, phase, event);
        if (to.startsWith('ENDING'))
          assert.ok(
            acts.some((act) => /^end(Stopped|Unstopped)$/.test(act)),
            event,
          );
      }
    }
  });
});

describe('an examination', () => {
  it('leaves a thread on every way from a phase in which the thread may stand still', () => {
    for (const phase of ['ENABLING', 'STOPPING', 'STOPPED']) {
      assert.ok(stepOn(EXAMINATION.table, phase, 'release').acts.includes('leave'), phase);
    }
  });
});

describe('a task of a group', () => {
  it('whose thread is over reports its end or begins a back-off', () => {
    for (const phase of ['STARTING', 'RUNNING', 'REPLACING', 'PANICKED', 'STOPPING', 'TERMINATING']) {
      for (const event of ['failed', 'finished']) {
        const { acts } = stepOn(SEAT.table, phase, event);
        assert.ok(acts.includes('reportEnd') || acts.includes('startBackOff'), `${phase} on ${event}`);
      }
    }
  });

  it('that is replaced reports if it was, on every way out', () => {
    for (const event of SEAT.events) {
      const { to, acts } = stepOn(SEAT.table, 'REPLACING', event);
      const reports = acts.filter((act) => act === 'reportReplaced' || act === 'reportNotReplaced');
      assert.equal(reports.length, to === 'REPLACING' ? 0 : 1, event);
    }
  });
});

describe('a group of tasks', () => {
  it('settles each reload on every way out', () => {
    for (const event of GROUP.events) {
      const { to, acts } = stepOn(GROUP.table, 'RELOADING', event);
      const settles = acts.some((act) => act === 'settleReload' || act === 'rejectReload');
      assert.equal(settles, to !== 'RELOADING', event);
    }
  });
});

describe('a task', () => {
  it('whose thread is over settles its promises or begins a back-off', () => {
    for (const phase of ['RUNNING', 'PANICKED', 'TERMINATING']) {
      const { acts } = stepOn(TASK.table, phase, 'threadEnded');
      assert.ok(acts.includes('settle') || acts.includes('startBackOff'), phase);
    }
  });

  it('settles its promises whenever it ends', () => {
    for (const phase of Object.keys(TASK.table)) {
      for (const event of TASK.events) {
        const { to, acts } = stepOn(TASK.table, phase, event);
        if (to === 'ENDED' && phase !== 'ENDED') assert.ok(acts.includes('settle'), `${phase} on ${event}`);
      }
    }
  });
});
