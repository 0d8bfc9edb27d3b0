/**
 * What a task's thread was given by whoever started it: the configuration, and the port to the supervisor.
 * It lies under names that all copies of this library in the thread share, because the program may have
 * another one than the command that started it.
 */
import { MessagePort } from 'node:worker_threads';
import type { Variables } from './task-settings.js';

const SUPERVISOR = Symbol.for('asynctcp.supervisor');
const VARIABLES = Symbol.for('asynctcp.variables');

export function leaveGift(supervisor: MessagePort, variables: Variables): void {
  Object.defineProperty(globalThis, SUPERVISOR, { value: supervisor, configurable: true });
  Object.defineProperty(globalThis, VARIABLES, { value: { ...variables } });
}

/** Takes the port; it is there for one. */
export function takeSupervisor(): MessagePort | undefined {
  const port: unknown = Reflect.get(globalThis, SUPERVISOR);
  Reflect.deleteProperty(globalThis, SUPERVISOR);
  return port instanceof MessagePort ? port : undefined;
}

/** Empty in a thread that nobody started as a task. */
export function givenVariables(): Variables {
  const variables: unknown = Reflect.get(globalThis, VARIABLES);
  const entries = typeof variables === 'object' && variables !== null ? Object.entries(variables) : [];
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}
