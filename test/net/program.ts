/**
 * Random programs for one connection: what its two ends do, and in which order. A program names no time: the
 * next step follows in the same tick, in a later one, or when both ends have come to rest.
 */
import fc from 'fast-check';
import { FLOOD_BYTES } from './corpus.js';

/** Form of the bytes that a write gets. */
const FORMS = ['buffer', 'uint8array', 'utf8', 'latin1', 'hex', 'base64', 'utf16le'] as const;
export type Form = (typeof FORMS)[number];

/** Encodings that give every piece of a stream back at once. */
const DECODINGS = ['utf8', 'latin1', 'hex'] as const;

const PLAIN_ACTS = [
  'cork',
  'uncork',
  'pause',
  'resume',
  'destroySoon',
  'resetAndDestroy',
  'startReading',
  'abort',
  'ref',
  'unref',
  'timeout',
] as const;

export type Act =
  | { readonly do: 'write'; readonly bytes: number; readonly form: Form; readonly calls: boolean }
  | { readonly do: 'end'; readonly bytes: number; readonly form: Form; readonly calls: boolean }
  | { readonly do: 'destroy'; readonly fails: boolean }
  | { readonly do: 'setEncoding'; readonly encoding: (typeof DECODINGS)[number] }
  | { readonly do: 'read'; readonly bytes: number }
  | { readonly do: 'setNoDelay' | 'setKeepAlive'; readonly on: boolean }
  | { readonly do: (typeof PLAIN_ACTS)[number] };

/** Events of the subject in whose listeners it may act. */
const HOOKS = ['connect', 'data', 'end', 'drain', 'finish', 'error', 'close', 'written'] as const;
export type Hook = (typeof HOOKS)[number];

/** The step that follows comes in the same tick, in another one, or at rest. */
export type Wait = 'at once' | 'next tick' | 'promise' | 'rest';

export interface Step {
  readonly at: 'subject' | 'peer';
  readonly act: Act;
  readonly wait: Wait;
}

/** How an end takes what arrives. */
export type Reading = 'data' | 'readable' | 'pipe' | 'iterator' | 'onread' | 'none';

export interface EndOptions {
  readonly reading: Reading;
  readonly allowHalfOpen: boolean;
  readonly highWaterMark: number | undefined;
  readonly pauseOnConnect: boolean;
  readonly noDelay: boolean;
  readonly keepAlive: boolean;
}

export interface Program {
  readonly role: 'client' | 'server';
  /** True if the steps begin in the tick of `connect`, or of the event 'connection'. */
  readonly isEarly: boolean;
  readonly subject: EndOptions;
  readonly peer: EndOptions;
  readonly hooks: readonly { readonly on: Hook; readonly act: Act }[];
  readonly steps: readonly Step[];
}

const MOST_BYTES = 300 * 1024;

const size = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 200 }) },
  { weight: 1, arbitrary: fc.constant(0) },
  { weight: 3, arbitrary: fc.integer({ min: 200, max: 20_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 20_000, max: MOST_BYTES }) },
);
const form = fc.constantFrom(...FORMS);

const acts: readonly { readonly weight: number; readonly arbitrary: fc.Arbitrary<Act> }[] = [
  {
    weight: 12,
    arbitrary: fc.record({ do: fc.constant('write' as const), bytes: size, form, calls: fc.boolean() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('end' as const), bytes: size, form, calls: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('write' as const, 'write' as const, 'end' as const),
      bytes: fc.constant(FLOOD_BYTES),
      form: fc.constant('buffer' as const),
      calls: fc.constant(true),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('destroy' as const), fails: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('setEncoding' as const),
      encoding: fc.constantFrom(...DECODINGS),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('read' as const), bytes: fc.integer({ min: 0, max: 3000 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('setNoDelay' as const, 'setKeepAlive' as const),
      on: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('pause' as const, 'resume' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('cork' as const, 'uncork' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom(...PLAIN_ACTS) }) },
];
const act: fc.Arbitrary<Act> = fc.oneof(...acts);

const wait: fc.Arbitrary<Wait> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('at once' as const) },
  { weight: 2, arbitrary: fc.constantFrom('next tick' as const, 'promise' as const) },
  { weight: 5, arbitrary: fc.constant('rest' as const) },
);

const step: fc.Arbitrary<Step> = fc.record({
  at: fc.constantFrom('subject' as const, 'subject' as const, 'peer' as const),
  act,
  wait,
});

function ends(readings: readonly [Reading, ...Reading[]]): fc.Arbitrary<EndOptions> {
  return fc.record({
    reading: fc.constantFrom(...readings),
    allowHalfOpen: fc.boolean(),
    highWaterMark: fc.constantFrom(undefined, undefined, 1, 1000, 100_000),
    pauseOnConnect: fc.constantFrom(false, false, false, true),
    noDelay: fc.boolean(),
    keepAlive: fc.boolean(),
  });
}

const anyProgram: fc.Arbitrary<Program> = fc.record({
  role: fc.constantFrom('client' as const, 'server' as const),
  isEarly: fc.boolean(),
  subject: ends(['data', 'data', 'readable', 'pipe', 'iterator', 'onread', 'none']),
  peer: ends(['data', 'data', 'pipe', 'none']),
  hooks: fc.array(fc.record({ on: fc.constantFrom(...HOOKS), act }), { maxLength: 3 }),
  steps: fc.array(step, { minLength: 1, maxLength: 10 }),
});

/** The option `onread` is one of `connect`: an accepted socket has none. */
export const programs: fc.Arbitrary<Program> = anyProgram.map((program) => {
  const { role, subject } = program;
  if (role === 'client' || subject.reading !== 'onread') return program;
  return { ...program, subject: { ...subject, reading: 'data' } };
});
