// Prepares a measurement: the load generator and the runtimes of the servers.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

import { type Contestant, OURS, STACKS } from './contestants.js';
import { makeCertificate } from './certificate.js';
import { compileEpollServer, compileLoad, compilerVersion, compileTlsLoad } from './compile.js';
import { installLibraries, libraryVersions } from './libraries.js';
import { installRuntime, type InstalledRuntime, RUNTIME_VERSIONS } from './runtimes.js';
import type { Workload } from './workloads.js';

export interface Tools {
  readonly load: string;
  /** The load generator with TLS; empty if no workload needs it, or it cannot be compiled. */
  readonly loadTls: string;
  readonly epoll: string;
  readonly bun: string | undefined;
  readonly deno: string | undefined;
}

export interface Prepared {
  readonly tools: Tools;
  /** Contestants that can be measured. */
  readonly contestants: readonly Contestant[];
  readonly workloads: readonly Workload[];
  /** The reasons why the others cannot, a line each. */
  readonly missing: readonly string[];
}

const hasLibrary = (workload: Workload): boolean => workload.hasLibrary === true;
const isTls = ({ load }: Workload): boolean => load.isTls === true;

/** Returns why a stack of the library does not work on this machine, for example without the native addon. */
function reasonAgainst(stack: string): string | undefined {
  const probe = join(import.meta.dirname, 'stack-probe.js');
  const { status, stdout } = spawnSync(process.execPath, [probe, stack], { encoding: 'utf8' });
  return status === 0 ? undefined : stdout;
}

type Programs = ReadonlyMap<InstalledRuntime, string>;

async function prepareRuntimes(contestants: readonly Contestant[], missing: string[]): Promise<Programs> {
  const programs = new Map<InstalledRuntime, string>();
  for (const runtime of ['bun', 'deno'] as const) {
    if (!contestants.some((contestant) => contestant.runtime === runtime)) continue;
    const { program, reason } = await installRuntime(runtime);
    if (program === undefined) missing.push(`without ${runtime}: ${reason}`);
    else programs.set(runtime, program);
  }
  return programs;
}

function unusableStacks(contestants: readonly Contestant[], missing: string[]): ReadonlySet<string> {
  const unusable = new Set<string>();
  for (const stack of STACKS) {
    if (!contestants.some((contestant) => contestant.stack === stack)) continue;
    const reason = reasonAgainst(stack);
    if (reason === undefined) continue;
    missing.push(`without ${OURS}/${stack}: ${reason}`);
    unusable.add(stack);
  }
  return unusable;
}

/** Returns the workloads that have what they need beside the runtimes. */
async function ableWorkloads(
  workloads: readonly Workload[],
  loadTls: string | undefined,
  missing: string[],
): Promise<readonly Workload[]> {
  const [withLibrary, withTls] = [workloads.some(hasLibrary), workloads.some(isTls)];
  const noLibraries = withLibrary ? await installLibraries() : undefined;
  const noCertificate = withTls ? makeCertificate() : undefined;
  const noTls =
    withTls && loadTls === undefined ? 'no headers of OpenSSL (Debian: libssl-dev)' : noCertificate;
  if (noLibraries !== undefined) missing.push(`without the programs that use libraries: ${noLibraries}`);
  if (noTls !== undefined) missing.push(`without https: ${noTls}`);
  return workloads.filter(
    (workload) =>
      (noLibraries === undefined || !hasLibrary(workload)) && (noTls === undefined || !isTls(workload)),
  );
}

export async function prepare(
  contestants: readonly Contestant[],
  workloads: readonly Workload[],
): Promise<Prepared> {
  const missing: string[] = [];
  const load = compileLoad();
  const loadTls = workloads.some(isTls) ? compileTlsLoad() : undefined;
  const epoll = compileEpollServer();
  const programs = await prepareRuntimes(contestants, missing);
  const unusable = unusableStacks(contestants, missing);
  const isAble = ({ runtime, stack }: Contestant): boolean => {
    if (runtime === 'bun' || runtime === 'deno') return programs.has(runtime);
    return stack === undefined || !unusable.has(stack);
  };
  return {
    tools: { load, loadTls: loadTls ?? '', epoll, bun: programs.get('bun'), deno: programs.get('deno') },
    contestants: contestants.filter(isAble),
    workloads: await ableWorkloads(workloads, loadTls, missing),
    missing,
  };
}

/** Returns a text with the versions of the contestants' runtimes. */
export function versionsOf(contestants: readonly Contestant[], workloads: readonly Workload[]): string {
  const words = {
    c: () => `C: ${compilerVersion()}`,
    node: () => `Node.js ${process.version}`,
    bun: () => `Bun ${RUNTIME_VERSIONS.bun}`,
    deno: () => `Deno ${RUNTIME_VERSIONS.deno}`,
  };
  const runtimes = [...new Set(contestants.map(({ runtime }) => runtime))].map((runtime) => words[runtime]());
  return [...runtimes, ...(workloads.some(hasLibrary) ? [libraryVersions()] : [])].join(', ');
}
