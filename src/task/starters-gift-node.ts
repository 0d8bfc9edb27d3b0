/**
 * What a task's thread was given by whoever started it: the configuration, and the port to the supervisor.
 * It lies under names that all copies of this library in the thread share, because the program may have
 * another one than the command that started it.
 */
import { MessageChannel, MessagePort } from 'node:worker_threads';
import { share, shared } from './shared-node.js';
import type { Variables } from './task-settings.js';

const SUPERVISOR = 'asynctcp.supervisor';
const VARIABLES = 'asynctcp.variables';

/** Gives a new port to the supervisor. */
type Connect = () => MessagePort;

export function leaveGift(supervisor: MessagePort, variables: Variables): void {
  const connect: Connect = () => {
    const { port1, port2 } = new MessageChannel();
    supervisor.postMessage(port1, [port1]);
    return port2;
  };
  share(SUPERVISOR, connect);
  share(VARIABLES, { ...variables });
}

/** A port of one's own to the supervisor; `undefined` where there is none. */
export function connectSupervisor(): MessagePort | undefined {
  const connect: unknown = shared(SUPERVISOR);
  const port: unknown = typeof connect === 'function' ? Reflect.apply(connect, undefined, []) : undefined;
  return port instanceof MessagePort ? port : undefined;
}

/** Empty in a thread that nobody started as a task. */
export function givenVariables(): Variables {
  const variables: unknown = shared(VARIABLES);
  const entries = typeof variables === 'object' && variables !== null ? Object.entries(variables) : [];
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}
