/** Starts the programs of examples/net in each way in which their bytes can be carried. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loadAddon } from '#src/addon/load-addon.js';
import { start, type Program } from '../e2e/programs.js';
import type { Carried } from './witness.js';

/** The workspace of the examples. */
const WORKSPACE = new URL('../../../examples/net/', import.meta.url);

const WITNESS = new URL('witness.js', import.meta.url).href;
const HOOK = import.meta.resolve('asynctcp/net/register');

/** Each program has at least as many connections at once, and gets as many pieces of data. */
const LEAST = 10;
/** Programs on HTTP/2: all their calls share one connection. */
const ON_ONE_CONNECTION = new Set(['grpc-server', 'grpc-client']);
/** Programs that stay Node's in spite of the way. */
const NOT_CARRIED = {
  none: new Set<string>(),
  // HTTP/2 without TLS: Node's own reads from the native handle, and is slower over any other stream.
  hook: new Set(['grpc-server']),
  // The library takes no socket of the program's.
  program: new Set(['grpc-client']),
};

export interface Way {
  readonly name: string;
  /** Options of Node. */
  readonly flags: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Carries the sockets: nothing, the hook, or the program itself by asynctcp/net. */
  readonly by: keyof typeof NOT_CARRIED;
  /** A reason, or false. */
  readonly skip: string | false;
}

/** The program and its test are right if they pass in this way. */
export const PLAIN: Way = { name: 'node:net', flags: [], env: {}, by: 'none', skip: false };

const DIAGNOSED = { CONFIG_ASYNC_TCP_DIAGNOSTICS: '1' };
const noKernel = loadAddon().reason ?? false;

function explicitWay(stack: string, skip: string | false): Way {
  const flags = ['--import', WITNESS];
  return {
    name: `asynctcp/net on ${stack}`,
    flags,
    env: { ...DIAGNOSED, STACK: stack },
    by: 'program',
    skip,
  };
}

export const WAYS: readonly Way[] = [
  PLAIN,
  {
    name: 'the hook',
    flags: ['--import', HOOK, '--import', WITNESS],
    env: DIAGNOSED,
    by: 'hook',
    skip: noKernel,
  },
  explicitWay('kernel', noKernel),
  explicitWay('node', false),
];

/** The ways in which asynctcp carries the sockets. */
export const CARRIED_WAYS: readonly Way[] = WAYS.filter(({ by }) => by !== 'none');

/** Starts a compiled program. It is killed at the end of the test. */
export function startIn(test: TestContext, way: Way, file: URL, ...args: (string | number)[]): Program {
  return start(test, process.execPath, [...way.flags, fileURLToPath(file), ...args.map(String)], way.env);
}

/** An example that runs. */
export interface Example {
  readonly program: Program;
  readonly name: string;
  readonly way: Way;
}

/** Starts the example of that name, compiled. It is killed at the end of the test. */
export function startExample(
  test: TestContext,
  way: Way,
  name: string,
  ...args: (string | number)[]
): Example {
  const program = startIn(test, way, new URL(`build/${name}.js`, WORKSPACE), ...args);
  return { program, name, way };
}

/** Starts an example that listens, on a free port, and resolves when it does. */
export async function startServer(
  test: TestContext,
  way: Way,
  name: string,
  ...args: string[]
): Promise<{ server: Example; port: number }> {
  const server = startExample(test, way, name, 0, ...args);
  return { server, port: await server.program.stdout.number(/^listening on port (\d+)$/) };
}

/**
 * Asks a server to end, which it does by itself with status 0. Resolves to what was carried.
 * @param complaints what it has written to stderr.
 */
export async function endServer(server: Example, complaints = /^$/): Promise<Carried | undefined> {
  const { stdout, stderr } = server.program;
  assert.deepEqual(await server.program.terminate(), { status: 0, signal: null }, stderr.text);
  assert.match(stderr.text, complaints);
  return checkCarried(server, stdout.text.trimEnd().split('\n'));
}

/** Runs a client to its end, and resolves to the lines that it printed. */
export async function runClient(
  test: TestContext,
  way: Way,
  name: string,
  ...args: (string | number)[]
): Promise<string[]> {
  const client = startExample(test, way, name, ...args);
  const output = await client.program.output();
  assert.equal(client.program.stderr.text, '');
  const lines = output.trimEnd().split('\n');
  const carried = checkCarried(client, lines);
  if (carried !== undefined) assert.equal(carried.outgoing > 0, isCarried(client), JSON.stringify(carried));
  return lines;
}

function isCarried({ name, way }: Example): boolean {
  return way.by !== 'none' && !NOT_CARRIED[way.by].has(name);
}

/** Checks, by the last line of its output, that asynctcp has carried a program's connections, or none. */
function checkCarried(example: Example, lines: string[]): Carried | undefined {
  if (example.way.by === 'none') return undefined;
  const carried = takeCarried(lines);
  const text = JSON.stringify(carried);
  const least = ON_ONE_CONNECTION.has(example.name) ? 1 : LEAST;
  if (isCarried(example)) assert.ok(carried.atOnce >= least && carried.pieces >= LEAST, text);
  else assert.equal(carried.atOnce, 0, text);
  return carried;
}

/** Takes the last line from a program's output, which `witness.ts` has printed. */
export function takeCarried(lines: string[]): Carried {
  const [, figures] = /^carried (.*)$/.exec(lines.pop() ?? '') ?? assert.fail('the program has no witness');
  return JSON.parse(String(figures)) as Carried;
}

/** Runs one test in each way, one after the other. */
export async function inEachWay(
  test: TestContext,
  body: (test: TestContext, way: Way) => Promise<void>,
): Promise<void> {
  for (const way of WAYS) {
    await test.test(way.name, { skip: way.skip }, (inner) => body(inner, way));
  }
}

/** Longer than a busy machine stops for. No passing test waits this long. */
const LOAD_TIMEOUT_S = 300;

/** Arguments of Node for autocannon with a report in JSON. */
export const AUTOCANNON: readonly string[] = [
  createRequire(new URL('package.json', WORKSPACE)).resolve('autocannon/autocannon.js'),
  '--json',
  '--timeout',
  String(LOAD_TIMEOUT_S),
];
