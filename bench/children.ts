// Child processes do not outlive the harness: every one is started here, and killed when the harness ends.
// If the harness itself is killed, servers and the load generator end with their standard input.

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const running = new Set<ChildProcess>();

/** To be called once, before the first `startChild`. */
export function killChildrenAtExit(): void {
  process.on('exit', () => {
    for (const child of running) child.kill('SIGKILL');
  });
  for (const signal of SIGNALS) process.on(signal, () => process.exit(128 + constants.signals[signal]));
}

export type Command = readonly [string, ...string[]];

/** Starts a child process. `variables` are added to the environment. */
export function startChild(
  command: Command,
  stdio: StdioOptions,
  variables: Readonly<Record<string, string>> = {},
): ChildProcess {
  const [program, ...args] = command;
  const child = spawn(program, args, { stdio, env: { ...process.env, ...variables } });
  running.add(child);
  child.once('exit', () => running.delete(child));
  child.once('error', () => running.delete(child)); // not started: its exit code is negative
  return child;
}

/** Resolves to the status; `null` if a signal ended the child. Kills it if it does not end within `msMax`. */
export async function childEnd(child: ChildProcess, msMax: number): Promise<number | null> {
  if (child.pid === undefined) return -1;
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const ended = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), msMax);
  await ended;
  clearTimeout(timer);
  return child.exitCode;
}
