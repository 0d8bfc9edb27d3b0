/**
 * Random programs against a small model of clauses L and D: two clients of the library, connected to each
 * other, on which fast-check plays any sequence of API calls. After each call the model knows what `space`,
 * `state` and the return values must be; at the end, what must have arrived and which callbacks must have
 * come.
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

const SEND_BUFFER = 5000;
const WINDOW = 3000;
/** Programs in the short form, which `npm test` runs; `MODEL_RUNS` sets another number. */
const RUNS = Number(process.env['MODEL_RUNS'] ?? 2000);
/** Programs that share an environment, so that few of them pay for a new one. */
const RUNS_AT_ONCE = 100;

/** What one end has done, and what the contract promises for it. */
class End {
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

  /** Whether this end may still send, as far as it can know. */
  get open(): boolean {
    return this.client.state() === TcpState.ESTABLISHED;
  }
}

type Command = (end: End, env: Env) => void | Promise<void>;

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
    'send answers whether there is a connection',
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

const turn: Command = () => new Promise((resolve) => setImmediate(resolve));

const poll: Command = (_, env) => {
  env.clock.advance(500);
};

const NAMED = { send, turn, settle, close, abort, poll } as const;

/**
 * A call as fast-check draws it: add with length and flags, withholding on or off, ack with bytes, or one
 * by name.
 */
type What = [number, number] | boolean | number | keyof typeof NAMED;

/** One call of a program, which fast-check prints by its name. */
class Step {
  readonly atClient: boolean;
  readonly run: Command;
  readonly name: string;

  constructor(atClient: boolean, what: What) {
    this.atClient = atClient;
    this.run = commandOf(what);
    this.name = `${atClient ? 'client' : 'accepted'}: ${Array.isArray(what) ? `add ${what.join(' flags ')}` : String(what)}`;
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
  .map(([atClient, what]) => new Step(atClient, what));

function commandOf(what: What): Command {
  if (typeof what === 'string') return NAMED[what];
  if (typeof what === 'number') return ack(what);
  if (typeof what === 'boolean') return withhold(what);
  return add(what[0], what[1]);
}

/** Plays a program, then ends both sides gracefully, and compares with what the model knows. */
async function play(env: Env, program: readonly Step[]): Promise<void> {
  const both: Linked = await linked(env);
  const client = new End(both.history, 11, 22);
  const accepted = new End(both.acceptedHistory, 22, 11);
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

function expectOutcome(end: End, other: End): void {
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
  // A side that has closed drops what still comes; until then nothing may be missing (D8, D9).
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
            fc.asyncProperty(fc.array(step, { maxLength: 40 }), (program) => play(env, program)),
            { numRuns, includeErrorInReport: true },
          );
        },
      });
      runs += numRuns;
    }
  });
});
