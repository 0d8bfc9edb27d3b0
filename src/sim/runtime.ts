/**
 * The runtime's means that a run needs, found by name: in an engine that lacks them the run does without.
 * They are kept as they were when this module was loaded.
 */

const process: unknown = Reflect.get(globalThis, 'process');

/** Returns a method of Node's `process`; `undefined` where there is none. */
export function processMethod(name: string): ((...args: readonly unknown[]) => unknown) | undefined {
  if (typeof process !== 'object' || process === null) return undefined;
  const method: unknown = Reflect.get(process, name);
  if (typeof method !== 'function') return undefined;
  return (...args): unknown => Reflect.apply(method, process, args);
}

const activeResources = processMethod('getActiveResourcesInfo');

/** Returns the number of immediates that wait, as far as the runtime tells it. */
export function waitingImmediates(): number {
  const active: unknown = activeResources?.();
  return Array.isArray(active) ? active.filter((name) => name === 'Immediate').length : 0;
}

/** Returns the variable of the environment; `undefined` where there is none. */
export function environment(name: string): string | undefined {
  if (typeof process !== 'object' || process === null) return undefined;
  const variables: unknown = Reflect.get(process, 'env');
  if (typeof variables !== 'object' || variables === null) return undefined;
  const value: unknown = Reflect.get(variables, name);
  return typeof value === 'string' ? value : undefined;
}

/** Returns a module of Node's; `undefined` elsewhere. */
export function builtin(name: string): unknown {
  return processMethod('getBuiltinModule')?.(name);
}

/** Commands of test runners that run their files in processes or threads of their own, by their variables. */
const RUNNERS = { VITEST: ['npx', 'vitest', 'run'], JEST_WORKER_ID: ['npx', 'jest'] } as const;

/** Returns the words of the command that runs this program; none where there is no command. */
export function commandWords(): readonly string[] {
  for (const [name, words] of Object.entries(RUNNERS)) if (environment(name) !== undefined) return words;
  if (typeof process !== 'object' || process === null) return [];
  const words = [...texts(Reflect.get(process, 'execArgv')), ...texts(Reflect.get(process, 'argv')).slice(1)];
  return words.length === 0 ? [] : ['node', ...words];
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((word) => typeof word === 'string') : [];
}
