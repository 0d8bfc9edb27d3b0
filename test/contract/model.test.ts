/**
 * Random programs against a small model of the clauses L and D: fast-check makes any sequence of API calls on
 * two clients that are connected to each other. After each call the model predicts `space`, `state` and the
 * return values; at the end, the bytes that arrived and the callbacks that came.
 */
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { node } from '../targets/node.js';
import { expect, expectEqual } from './expect.js';
import { calls, History } from './history.js';
import { linked, type Linked } from './linked.js';
import { pattern, PatternReader } from './pattern.js';
import type { Env } from './case.js';
import { ErrorCode, TcpState } from 'asynctcp';
import { nextTurn } from '../support/until.js';

const SEND_BUFFER = 5000;
const WINDOW = 3000;
/** Number of programs; `MODEL_RUNS` sets another one. */
const RUNS = Number(process.env['MODEL_RUNS'] ?? 2000);
/** Programs that share an environment, because a new one takes long. */
const RUNS_AT_ONCE = 100;

/** One end with the model of it: the calls it has made and what the contract promises for them. */
class ModelledEnd {
  readonly history: History;
  readonly seed: number;
  readonly reader: PatternReader;
  added = 0;
  sent = 0;
  withheld = 0;
  withholds = false;
  closed = false;
  aborted = false;

  constructor(history: History, seed: number, peerSeed: number) {
    this.history = history;
    this.seed = seed;
    this.reader = new PatternReader(peerSeed);
    history.client.onData((client, data) => {
      this.reader.take(data);
      if (!this.withholds) return;
      client.ackLater();
      this.withheld += data.length;
      expect(
        this.withheld <= WINDOW,
        `no more than the window is delivered unacknowledged (D5): ${this.withheld}`,
      );
    });
  }

  get client(): History['client'] {
    return this.history.client;
  }

  /** True if this end may send, as far as it knows. */
  get open(): boolean {
    return this.client.state() === TcpState.ESTABLISHED;
  }
}

type Command = (end: ModelledEnd, env: Env) => void | Promise<void>;

function add(length: number, flags: number): Command {
  return (end) => {
    const before = end.client.space();
    const taken = calls(() => end.client.add(pattern(end.seed, end.added, length), flags));
    expectEqual(taken, Math.min(length, before), 'add takes min(length, space()) (D2)');
    expectEqual(end.client.space(), before - taken, 'space() falls by what add took (D2)');
    end.added += taken;
  };
}

const send: Command = (end) => {
  const open = end.open;
  expectEqual(
    calls(() => end.client.send()),
    open,
    'send returns true if there is a connection',
  );
  if (open) end.sent = end.added;
};

function ack(bytes: number): Command {
  return (end) => {
    const outstanding = end.open || end.history.client.state() === TcpState.CLOSE_WAIT ? end.withheld : 0;
    const given = calls(() => end.client.ack(bytes));
    expectEqual(given, Math.min(bytes, outstanding), 'ack gives back what was outstanding');
    end.withheld -= given;
  };
}

function withhold(on: boolean): Command {
  return (end) => {
    end.withholds = on;
  };
}

const close: Command = (end) => {
  calls(() => end.client.close());
  if (!end.aborted) end.closed = true;
  end.withheld = 0;
  expectEqual(end.client.space(), 0, 'space() after close');
};

const abort: Command = (end) => {
  const alive = end.client.state() !== TcpState.CLOSED;
  const code = calls(() => end.client.abort());
  expectEqual(code, alive ? ErrorCode.ERR_ABRT : ErrorCode.ERR_CONN, 'what abort answers');
  end.aborted ||= alive;
  end.withheld = 0;
  expectEqual([end.client.space(), end.client.state()], [0, TcpState.CLOSED], 'after abort');
};

const settle: Command = (_, env) => env.settle();

const turn: Command = () => nextTurn();

const poll: Command = (_, env) => {
  env.clock.advance(500);
};

const NAMED = { send, turn, settle, close, abort, poll } as const;

/**
 * A call that fast-check generates: `add` with length and flags, withholding on or off, `ack` with bytes, or
 * a call by name.
 */
type Call = [number, number] | boolean | number | keyof typeof NAMED;

/** One step of a program. Fast-check prints it by its name. */
class Step {
  readonly atClient: boolean;
  readonly run: Command;
  readonly name: string;

  constructor(atClient: boolean, call: Call) {
    this.atClient = atClient;
    this.run = commandOf(call);
    this.name = `${atClient ? 'client' : 'accepted'}: ${Array.isArray(call) ? `add ${call.join(' flags ')}` : String(call)}`;
  }

  [fc.toStringMethod](): string {
    return this.name;
  }
}

const step: fc.Arbitrary<Step> = fc
  .tuple(
    fc.boolean(),
    fc.oneof(
      { weight: 8, arbitrary: fc.tuple(fc.integer({ min: 0, max: 7000 }), fc.integer({ min: 0, max: 3 })) },
      { weight: 6, arbitrary: fc.constant('send' as const) },
      { weight: 4, arbitrary: fc.constant('turn' as const) },
      { weight: 2, arbitrary: fc.constant('settle' as const) },
      { weight: 2, arbitrary: fc.boolean() },
      { weight: 3, arbitrary: fc.integer({ min: 0, max: 4000 }) },
      { weight: 1, arbitrary: fc.constantFrom('close' as const, 'abort' as const, 'poll' as const) },
    ),
  )
  .map(([atClient, call]) => new Step(atClient, call));

function commandOf(call: Call): Command {
  if (typeof call === 'string') return NAMED[call];
  if (typeof call === 'number') return ack(call);
  if (typeof call === 'boolean') return withhold(call);
  return add(call[0], call[1]);
}

/** Runs a program, then ends both sides gracefully, and compares with the model. */
async function runProgram(env: Env, program: readonly Step[]): Promise<void> {
  const both: Linked = await linked(env);
  const client = new ModelledEnd(both.history, 11, 22);
  const accepted = new ModelledEnd(both.acceptedHistory, 22, 11);
  for (const { atClient, run } of program) await run(atClient ? client : accepted, env);
  for (const end of [client, accepted]) {
    end.withholds = false;
    end.client.ack(Number.MAX_SAFE_INTEGER);
    end.withheld = 0;
  }
  if (client.open && accepted.open) {
    for (const end of [client, accepted]) await send(end, env);
    const complete = (): boolean =>
      client.reader.bytes === accepted.added && accepted.reader.bytes === client.added;
    await env.until('all that was added has arrived', complete);
  }
  await close(client, env);
  await env.until('both ends are over', () => both.history.over && both.acceptedHistory.over);
  expectOutcome(client, accepted);
  expectOutcome(accepted, client);
  await both.server.end();
}

function expectOutcome(end: ModelledEnd, other: ModelledEnd): void {
  const { history, reader } = end;
  expectEqual(history.count('disconnect'), 1, 'onDisconnect comes once (L2)');
  const errors = history.life.filter((event) => event.startsWith('error'));
  expect(errors.length <= 1, `one onError at most (L3), not ${errors.join()}`);
  if (errors.length === 1)
    expectEqual(history.life.slice(-2), [errors[0], 'disconnect'], 'the last two callbacks (L3)');
  if (end.aborted) expectEqual(errors, [`error ${ErrorCode.ERR_ABRT}`], 'the error after abort');
  expect(reader.matches, 'what arrived is what was sent, in order (D1)');
  expect(reader.bytes <= other.added, 'no more arrived than was added (D1)');
  const graceful = !end.aborted && !other.aborted && errors.length === 0;
  if (!graceful) return;
  // A side that has closed drops data that still arrives. Until then nothing may be missing (D8, D9).
  if (!end.closed) expectEqual(reader.bytes, other.added, 'all that was added arrived (D9)');
  expectEqual(history.acked, end.added, 'acknowledged bytes (D7)');
}

describe('random programs', () => {
  it(`agree with the model of L and D, ${RUNS} of them`, async () => {
    let runs = 0;
    while (runs < RUNS) {
      const numRuns = Math.min(RUNS_AT_ONCE, RUNS - runs);
      await node.run({
        id: 'model',
        title: 'random programs',
        limits: { sendBufferBytes: SEND_BUFFER, receiveWindowBytes: WINDOW },
        run: async (env) => {
          await fc.assert(
            fc.asyncProperty(fc.array(step, { maxLength: 40 }), (program) => runProgram(env, program)),
            { numRuns, includeErrorInReport: true },
          );
        },
      });
      runs += numRuns;
    }
  });
});
