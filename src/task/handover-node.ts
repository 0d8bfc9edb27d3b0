/**
 * The starter's handover to a task's thread: the configuration, and the port to the supervisor. It is stored
 * under names that all copies of this library in the thread share, because the program may load another
 * copy than its starter.
 */
import { MessageChannel, MessagePort } from 'node:worker_threads';
import { share, shared } from './shared-node.js';
import type { Variables } from './task-settings.js';

const SUPERVISOR = 'asynctcp.supervisor';
const VARIABLES = 'asynctcp.variables';

/** Returns a new port to the supervisor. */
type Connect = () => MessagePort;

/** Stores the handover in the calling thread. */
export function storeHandover(supervisor: MessagePort, variables: Variables): void {
  const connect: Connect = () => {
    const { port1, port2 } = new MessageChannel();
    supervisor.postMessage(port1, [port1]);
    return port2;
  };
  share(SUPERVISOR, connect);
  share(VARIABLES, { ...variables });
}

/** Returns a new port to the supervisor; `undefined` in a thread that is not supervised. */
export function connectSupervisor(): MessagePort | undefined {
  const connect: unknown = shared(SUPERVISOR);
  const port: unknown = typeof connect === 'function' ? Reflect.apply(connect, undefined, []) : undefined;
  return port instanceof MessagePort ? port : undefined;
}

/** Returns the starter's configuration; empty in a thread that was not started as a task. */
export function givenVariables(): Variables {
  const variables: unknown = shared(VARIABLES);
  const entries = typeof variables === 'object' && variables !== null ? Object.entries(variables) : [];
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}
