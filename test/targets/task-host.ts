/** Tasks in a process of their own, as a test sees them (`test/tasks/host.ts` is that process). */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ConfigureOptions, TaskThread, WatchdogBite } from 'asynctcp';
import type { HostedGroup, HostedTask, SystemThread } from '../contract/case.js';

const HOST = fileURLToPath(new URL('../tasks/host.js', import.meta.url));

class Hosted implements HostedTask {
  readonly bites: WatchdogBite[] = [];
  readonly printed: () => string;
  restarts = 0;
  port = 0;
  isSpinning = false;
  #thread: TaskThread | undefined;

  constructor(printed: () => string) {
    this.printed = printed;
  }

  get thread(): TaskThread {
    if (this.#thread === undefined) throw new Error('the task has not started');
    return this.#thread;
  }

  take(message: Message): void {
    if (message.bite !== undefined) this.bites.push(message.bite);
    if (message.restarts !== undefined) this.restarts = message.restarts;
    if (message.posted !== undefined) this.port = message.posted.port;
    this.isSpinning = message.posted?.isSpinning ?? this.isSpinning;
    if (message.thread !== undefined) this.#thread = message.thread;
  }
}

interface Message {
  readonly task?: number;
  readonly bite?: WatchdogBite;
  readonly restarts?: number;
  readonly posted?: { readonly port: number; readonly isSpinning?: boolean };
  readonly thread?: TaskThread;
  /** Of a group: a reload is over. */
  readonly reloaded?: boolean;
  /** Of a group: its status. */
  readonly ended?: number;
}

/** The form of a group; without one, each configuration is a task of its own. */
export interface GroupForm {
  readonly drainMs: number | undefined;
}

export class TaskHost implements HostedGroup {
  readonly tasks: Hosted[];
  /** Calls that wait for the group's answer, in their order. */
  readonly #reloads: (() => void)[] = [];
  readonly #stops: ((status: number) => void)[] = [];
  readonly #child: ChildProcessWithoutNullStreams;
  #printed = '';

  constructor(configs: readonly ConfigureOptions[], group?: GroupForm) {
    this.tasks = configs.map(() => new Hosted(() => this.#printed));
    const form = group === undefined ? [] : [JSON.stringify({ group })];
    const words = ['patient.js', ...form, ...configs.map((config) => JSON.stringify(config))];
    this.#child = spawn(process.execPath, [HOST, ...words]);
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      const message = JSON.parse(line) as Message;
      if (message.reloaded === true) this.#reloads.shift()?.();
      else if (message.ended !== undefined) for (const stopped of this.#stops) stopped(message.ended);
      else this.tasks[message.task ?? -1]?.take(message);
    });
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#printed += text;
    });
  }

  get processId(): number {
    return this.#child.pid ?? 0;
  }

  reload(): Promise<void> {
    return new Promise((resolve) => {
      this.#reloads.push(resolve);
      this.#child.stdin.write('{"reload":true}\n');
    });
  }

  stop(): Promise<number> {
    return new Promise((resolve) => {
      this.#stops.push(resolve);
      this.#child.stdin.write('{"stop":true}\n');
    });
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, 'close');
    this.#child.stdin.end();
    await closed;
  }
}

/** From `/proc`, of another process. */
export async function readSystemThread(processId: number, { thread }: HostedTask): Promise<SystemThread> {
  const folder = `/proc/${processId}/task/${thread.systemThreadId ?? 0}`;
  const status = await readFile(`${folder}/status`, 'utf8');
  const stat = await readFile(`${folder}/stat`, 'utf8');
  const maps = await readFile(`/proc/${processId}/maps`, 'utf8');
  // The name in parentheses may hold blanks; nice is the 19th field, the third behind the name is the first
  // here.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return {
    name: /^Name:\s+(.*)$/m.exec(status)?.[1] ?? '',
    cores: /^Cpus_allowed_list:\s+(.*)$/m.exec(status)?.[1] ?? '',
    nice: Number(fields[16]),
    hasStack: (bytes) => stackSizes(maps).includes(bytes),
  };
}

/**
 * Sizes of the mappings that look like a thread's stack: writable, with a guard that may not be touched
 * below.
 */
function stackSizes(maps: string): number[] {
  const regions = [...maps.matchAll(/^([0-9a-f]+)-([0-9a-f]+) (\S+)/gm)].map(([, from, to, rights]) => ({
    from: Number.parseInt(from ?? '', 16),
    to: Number.parseInt(to ?? '', 16),
    rights: rights ?? '',
  }));
  return regions.flatMap(({ from, to, rights }, index) => {
    const below = regions[index - 1];
    const isGuarded = below?.rights.startsWith('---') === true && below.to === from;
    return isGuarded && rights.startsWith('rw-') ? [to - from] : [];
  });
}
