// Prepares a measurement: the load generator and the runtimes of the servers.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { type Contestant, OURS, STACKS } from './contestants.js';
import { compileEpollServer, compileLoad, compilerVersion } from './compile.js';
import { installRuntime, type InstalledRuntime, RUNTIME_VERSIONS } from './runtimes.js';

export interface Tools {
  readonly load: string;
  readonly epoll: string;
  readonly bun: string | undefined;
  readonly deno: string | undefined;
}

export interface Prepared {
  readonly tools: Tools;
  /** Contestants that can be measured. */
  readonly contestants: readonly Contestant[];
  /** The reasons why the others cannot, a line each. */
  readonly missing: readonly string[];
}

/** Returns why a stack of the library does not work on this machine, for example without the native addon. */
function reasonAgainst(stack: string): string | undefined {
  const probe = join(import.meta.dirname, 'stack-probe.js');
  const { status, stdout } = spawnSync(process.execPath, [probe, stack], { encoding: 'utf8' });
  return status === 0 ? undefined : stdout;
}

export async function prepare(contestants: readonly Contestant[]): Promise<Prepared> {
  const load = compileLoad();
  const epoll = compileEpollServer();
  const missing: string[] = [];
  const programs = new Map<InstalledRuntime, string>();
  for (const runtime of ['bun', 'deno'] as const) {
    if (!contestants.some((contestant) => contestant.runtime === runtime)) continue;
    const { program, reason } = await installRuntime(runtime);
    if (program === undefined) missing.push(`without ${runtime}: ${reason}`);
    else programs.set(runtime, program);
  }
  const unusable = new Set<string>();
  for (const stack of STACKS) {
    if (!contestants.some(({ program, args }) => program === OURS && args[0] === stack)) continue;
    const reason = reasonAgainst(stack);
    if (reason === undefined) continue;
    missing.push(`without ${OURS}/${stack}: ${reason}`);
    unusable.add(stack);
  }
  const isAble = ({ runtime, program, args: [stack = ''] }: Contestant): boolean => {
    if (runtime === 'bun' || runtime === 'deno') return programs.has(runtime);
    return program !== OURS || !unusable.has(stack);
  };
  const tools = { load, epoll, bun: programs.get('bun'), deno: programs.get('deno') };
  return { tools, contestants: contestants.filter(isAble), missing };
}

/** Returns a text with the versions of the contestants' runtimes. */
export function versionsOf(contestants: readonly Contestant[]): string {
  const words = {
    c: () => `C: ${compilerVersion()}`,
    node: () => `Node.js ${process.version}`,
    bun: () => `Bun ${RUNTIME_VERSIONS.bun}`,
    deno: () => `Deno ${RUNTIME_VERSIONS.deno}`,
  };
  return [...new Set(contestants.map(({ runtime }) => runtime))]
    .map((runtime) => words[runtime]())
    .join(', ');
}
