// Child processes never outlive the harness: every one is started here, and killed when the harness ends.
// Should the harness itself be killed outright, a server ends with its IPC channel and the load generator
// with its standard input.

import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const END_MS_MAX = 5000;

const running = new Set<ChildProcess>();

/** Call once, before the first `startChild`. */
export function killChildrenAtExit(): void {
  process.on('exit', () => {
    for (const child of running) child.kill('SIGKILL');
  });
  for (const signal of SIGNALS) process.on(signal, () => process.exit(128 + constants.signals[signal]));
}

export type Command = readonly [string, ...string[]];

export function startChild(command: Command, stdio: StdioOptions): ChildProcess {
  const [program, ...args] = command;
  const child = spawn(program, args, { stdio });
  running.add(child);
  child.once('exit', () => running.delete(child));
  child.once('error', () => running.delete(child)); // not started: its exit code is negative
  return child;
}

/** Resolves to `null` when a signal ended the child, which is killed if it does not end by itself in time. */
export async function childEnd(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const ended = once(child, 'exit');
  const timer = setTimeout(() => child.kill('SIGKILL'), END_MS_MAX);
  await ended;
  clearTimeout(timer);
  return child.exitCode;
}
