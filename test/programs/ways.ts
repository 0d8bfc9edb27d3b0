/** Starts the programs of examples/net in each way in which their bytes can be carried. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { start, type Program } from '../e2e/programs.js';

/** The workspace of the examples. */
const WORKSPACE = new URL('../../../examples/net/', import.meta.url);

export interface Way {
  readonly name: string;
  /** Options of Node. */
  readonly flags: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** A reason, or false. */
  readonly skip: string | false;
}

/** The program and its test are right if they pass in this way. */
export const PLAIN: Way = { name: 'node:net', flags: [], env: {}, skip: false };

export const WAYS: readonly Way[] = [PLAIN];

/** Starts the example of that name, compiled. It is killed at the end of the test. */
export function startExample(
  test: TestContext,
  way: Way,
  name: string,
  ...args: (string | number)[]
): Program {
  const file = fileURLToPath(new URL(`build/${name}.js`, WORKSPACE));
  return start(test, process.execPath, [...way.flags, file, ...args.map(String)], way.env);
}

/** Starts an example that listens, on a free port, and resolves when it does. */
export async function startServer(
  test: TestContext,
  way: Way,
  name: string,
  ...args: string[]
): Promise<{ server: Program; port: number }> {
  const server = startExample(test, way, name, 0, ...args);
  return { server, port: await server.stdout.number(/^listening on port (\d+)$/) };
}

/** Asks a server to end, which it does by itself and without a complaint. */
export async function endServer(server: Program): Promise<void> {
  assert.deepEqual(await server.terminate(), { status: 0, signal: null }, server.stderr.text);
  assert.equal(server.stderr.text, '');
}

/** Runs an example to its end, and resolves to the lines that it printed. */
export async function runExample(
  test: TestContext,
  way: Way,
  name: string,
  ...args: (string | number)[]
): Promise<string[]> {
  const program = startExample(test, way, name, ...args);
  const output = await program.output();
  assert.equal(program.stderr.text, '');
  return output.trimEnd().split('\n');
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

/** Returns the path of a file in a package that the examples depend on. */
export function fileOfPackage(path: string): string {
  return createRequire(new URL('package.json', WORKSPACE)).resolve(path);
}
