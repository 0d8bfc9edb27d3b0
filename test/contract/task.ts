/** W · the task: the watchdog over its callbacks, and the settings of its thread. */
import type { AsyncClient } from 'asynctcp';
import type { ContractCase, Env, HostedTask, PatientOrder } from './case.js';
import { expect, expectEqual } from './expect.js';

/** Clients of a second task, which must not notice what happens to the first task. */
const UNDISTURBED = 50;
const SPIN_MS = 3000;
/** Unit in which the stack is measured: the tolerance of a mark at either end. */
const PAGE_BYTES = 4096;
const WORD_BYTES = 4;

/** A client of a task's server, and what it has received. */
interface Visitor {
  readonly client: AsyncClient;
  text: string;
  /** 'error …' and 'disconnect', in their order. */
  readonly end: string[];
}

async function visit(env: Env, { port }: HostedTask): Promise<Visitor> {
  const visitor: Visitor = { client: env.client(), text: '', end: [] };
  const { client } = visitor;
  let stands = false;
  client.onConnect(() => (stands = true));
  client.onData((_, data) => (visitor.text += new TextDecoder().decode(data)));
  client.onError((_, code) => visitor.end.push(`error ${code}`));
  client.onDisconnect(() => visitor.end.push('disconnect'));
  client.connect(env.address, port);
  await env.until('a visitor is connected', () => stands);
  return visitor;
}

/** Makes the task execute an order in a callback. Resolves to its answer. */
async function ask(env: Env, visitor: Visitor, order: PatientOrder): Promise<string> {
  visitor.text = '';
  visitor.client.write(order);
  await env.until(`the task has answered '${order}'`, () => visitor.text !== '');
  return visitor.text;
}

/** Makes one round trip on each connection. */
async function echoOnce(env: Env, visitors: readonly Visitor[]): Promise<void> {
  let answered = 0;
  for (const { client } of visitors) {
    client.onData(() => (answered += 1));
    client.write('.');
  }
  await env.until('every connection has its echo', () => answered === visitors.length);
}

async function startTask(env: Env, config: Parameters<Env['startTasks']>[0][number]): Promise<HostedTask> {
  const [task] = await env.startTasks([config]);
  if (task === undefined) throw new Error('no task was started');
  return task;
}

/** Connects to a group of two until each task has a visitor. Returns them by the task's number. */
async function visitBoth(
  env: Env,
  task: HostedTask,
): Promise<[readonly [Visitor, ...Visitor[]], readonly [Visitor, ...Visitor[]]]> {
  const visitors: [Visitor[], Visitor[]] = [[], []];
  for (;;) {
    const [[first, ...firsts], [second, ...seconds]] = visitors;
    if (first !== undefined && second !== undefined)
      return [
        [first, ...firsts],
        [second, ...seconds],
      ];
    const visitor = await visit(env, task);
    visitors[(await ask(env, visitor, 'number')) === '0' ? 0 : 1].push(visitor);
  }
}

export const TASK: readonly ContractCase[] = [
  {
    id: 'W1.blocked',
    title: 'a callback that blocks is reported while it blocks, and 50 connections of a second task go on',
    async run(env) {
      const [task, other] = await env.startTasks([{ wdtTimeoutS: 1 }, {}]);
      if (task === undefined || other === undefined) throw new Error('no tasks were started');
      const visitor = await visit(env, task);
      const others: Visitor[] = [];
      for (let count = 0; count < UNDISTURBED; count += 1) others.push(await visit(env, other));
      await echoOnce(env, others);
      visitor.client.write(`spin ${SPIN_MS}`);
      await env.until('the watchdog bites', () => task.bites.length > 0);
      expectEqual(visitor.text, '', 'the answer while the callback still blocks');
      for (let trip = 0; trip < 3; trip += 1) await echoOnce(env, others);
      expectEqual(visitor.text, '', 'the answer while the callback still blocks');
      await env.until('the blocked callback has answered', () => visitor.text === 'spun');
      const [bite] = task.bites;
      expect(bite !== undefined && bite.blockedMs >= 1000 && bite.blockedMs < SPIN_MS, 'it is told in time');
      expectEqual([bite.handler, bite.timeoutMs, bite.panic], ['onData', 1000, false], 'what is told');
      expectEqual(bite.client?.remotePort, visitor.client.localPort(), 'whose callback it is');
      expectEqual(bite.client?.localPort, task.port, 'the port of the task');
      expectEqual(bite.client?.bytesIn, `spin ${SPIN_MS}`.length, 'the bytes that came in');
      // The lines of `function spinning` in test/tasks/patient.ts, through the source map.
      const isSpinning = (call: string): boolean => /^spinning \(.*patient\.ts:1[2-6]:\d+\)$/.test(call);
      expect(bite.backtrace.some(isSpinning), `the backtrace has the place: ${bite.backtrace.join('; ')}`);
      await env.until('its return is told too', () => task.printed().includes('onData has returned'));
      const told = task.printed();
      for (const part of ['Task watchdog got triggered', 'spinning (', `:${visitor.client.localPort()} `]) {
        expect(told.includes(part), `the printed report has ${part}: ${told}`);
      }
      expectEqual([task.bites.length, other.bites.length], [1, 0], 'bites');
    },
  },
  {
    id: 'W1.synchronous',
    title:
      'a callback inside a synchronous call of the runtime is reported at once, its place when it returns',
    async run(env) {
      const task = await startTask(env, { wdtTimeoutS: 1 });
      const visitor = await visit(env, task);
      visitor.client.write(`wait ${SPIN_MS}`);
      await env.until('the watchdog bites', () => task.bites.length > 0);
      expectEqual(visitor.text, '', 'the answer while the callback still blocks');
      expectEqual([task.bites[0]?.handler, task.bites[0]?.backtrace], ['onData', []], 'what is told at once');
      await env.until('the rest is told', () => /patient\.ts:\d+/.test(task.printed()));
      await env.until('the blocked callback has answered', () => visitor.text === 'waited');
      expectEqual(await ask(env, visitor, 'spin 0'), 'spun', 'the task goes on');
    },
  },
  {
    id: 'W1.off',
    title: 'with useWdt 0 nothing is watched',
    async run(env) {
      const task = await startTask(env, { wdtTimeoutS: 1, useWdt: 0, wdtPanic: 1 });
      expectEqual(await ask(env, await visit(env, task), 'spin 1500'), 'spun', 'the answer');
      expectEqual([task.bites.length, task.restarts], [0, 0], 'bites and restarts');
    },
  },
  {
    id: 'W2',
    title: 'with wdtPanic the task is ended, its connections are reset, and it is started anew, each time',
    async run(env) {
      const task = await startTask(env, { wdtTimeoutS: 1, wdtPanic: 1 });
      for (let restarts = 1; restarts <= 2; restarts += 1) {
        const oldPort = task.port;
        const visitors = [await visit(env, task), await visit(env, task)];
        expectEqual(await ask(env, visitors[1] ?? (await visit(env, task)), 'spin 0'), 'spun', 'it serves');
        visitors[0]?.client.write(`spin ${10 * SPIN_MS}`);
        await env.until('every connection has ended', () => visitors.every(({ end }) => end.length === 2));
        for (const { end } of visitors)
          expectEqual(end, ['error -14', 'disconnect'], 'how a connection ends');
        await env.until('it is started anew', () => task.restarts === restarts && task.port !== oldPort);
        expectEqual(task.bites.at(-1)?.panic, true, 'the bite says so');
      }
      expectEqual(await ask(env, await visit(env, task), 'spin 0'), 'spun', 'the new task serves');
    },
  },
  {
    id: 'W3',
    title: 'core, priority and stack size are those that the operating system reports for the thread',
    async run(env) {
      const [task, smallest] = await env.startTasks([
        { runningCore: 0, taskPriority: 2, taskStackSize: 300_000 },
        { taskStackSize: 256 },
      ]);
      if (task === undefined || smallest === undefined) throw new Error('no tasks were started');
      const { thread } = task;
      expectEqual(thread.core, { requested: 0, effective: 0 }, 'the core as told');
      expectEqual(thread.priority, { requested: 2, effective: 2, nice: 6 }, 'the priority as told');
      expectEqual(thread.stackWords.requested, 300_000, 'the stack as asked for');
      const system = await env.systemThread(task);
      expectEqual(
        [system.cores, system.nice, system.name],
        ['0', 6, 'async_tcp'],
        'the thread as the system has it',
      );
      for (const { thread: one } of [task, smallest]) {
        const { requested, effective } = one.stackWords;
        expect(effective >= requested, 'the stack is no smaller than asked for');
        const found = (await env.systemThread(task)).hasStack(effective * WORD_BYTES);
        expect(found, `the system has a stack of ${effective} words`);
      }
    },
  },
  {
    id: 'W4',
    title: 'getStackHighWaterMark falls by what a callback goes deeper, and never rises',
    async run(env) {
      const task = await startTask(env, { diagnostics: 1, taskStackSize: 1_048_576 });
      const visitor = await visit(env, task);
      let before = Number(await ask(env, visitor, 'mark'));
      for (const calls of [2000, 8000, 4000, 16_000]) {
        const depthBytes = Number(await ask(env, visitor, `descend ${calls}`));
        const mark = Number(await ask(env, visitor, 'mark'));
        const expected = Math.min(before, task.thread.stackWords.effective - depthBytes / WORD_BYTES);
        const offBytes = Math.abs(mark - expected) * WORD_BYTES;
        expect(offBytes <= 2 * PAGE_BYTES, `after ${calls} calls the mark is ${offBytes} bytes off`);
        expect(mark <= before, 'the mark does not rise');
        before = mark;
      }
    },
  },
  {
    id: 'W5.error',
    title:
      'tasks share a port; one that ends by an error costs its own connections, and is started anew, alone',
    async run(env) {
      const { tasks } = await env.startGroup(2, {});
      const [first, second] = tasks;
      if (first === undefined || second === undefined) throw new Error('no tasks were started');
      expectEqual(first.port, second.port, 'the port of both tasks');
      const visitors = await visitBoth(env, first);
      await ask(env, visitors[1][0], 'throw');
      const ended = (): boolean => visitors[1].every(({ end }) => end.length === 2);
      await env.until('the connections of the task have ended', ended);
      for (const { end } of visitors[1]) expectEqual(end, ['error -14', 'disconnect'], 'how they end');
      await echoOnce(env, visitors[0]);
      await env.until('it is started anew', () => second.restarts === 1);
      await visitBoth(env, first);
      await echoOnce(env, visitors[0]);
      expectEqual([first.restarts, visitors[0].flatMap(({ end }) => end)], [0, []], 'the other task');
    },
  },
  {
    id: 'W5.waiting',
    title: 'connections that wait for a task which panics are accepted by another one',
    async run(env) {
      const { tasks } = await env.startGroup(2, { wdtTimeoutS: 1, wdtPanic: 1 });
      const [first, second] = tasks;
      if (first === undefined || second === undefined) throw new Error('no tasks were started');
      const visitors = await visitBoth(env, first);
      visitors[1][0].client.write(`spin ${100 * SPIN_MS}`);
      await env.until('the task is blocked', () => second.isSpinning);
      // About half of them are the blocked task's.
      const waiting: Visitor[] = [];
      for (let count = 0; count < UNDISTURBED; count += 1) waiting.push(await visit(env, first));
      await echoOnce(env, waiting);
      expectEqual(second.bites.at(-1)?.panic, true, 'the task has panicked');
      await env.until('it is started anew', () => second.restarts === 1);
    },
  },
  {
    id: 'W6',
    title: 'a reload replaces the tasks: no connection is refused, and none ends before its time',
    async run(env) {
      const group = await env.startGroup(2, {});
      const [first] = group.tasks;
      if (first === undefined) throw new Error('no tasks were started');
      const visitors = await visitBoth(env, first);
      let reloads = 0;
      const reloading = (async () => {
        while (reloads < 2) {
          await group.reload();
          reloads += 1;
        }
      })();
      let visits = 0;
      while (reloads < 2) {
        const visitor = await visit(env, first);
        await ask(env, visitor, 'number');
        visitor.client.close();
        visits += 1;
      }
      await reloading;
      await echoOnce(env, visitors.flat());
      expect(visits > 0, 'connections are made meanwhile');
      expectEqual(
        visitors.flat().flatMap(({ end }) => end),
        [],
        'ends of former connections',
      );
      expectEqual(
        group.tasks.map(({ restarts }) => restarts),
        [0, 0],
        'restarts',
      );
    },
  },
  {
    id: 'W7',
    title: 'tasks that get SIGTERM refuse connections, go on for their time, deliver all, and end with FIN',
    async run(env) {
      const group = await env.startGroup(2, {}, SPIN_MS);
      const [first] = group.tasks;
      if (first === undefined) throw new Error('no tasks were started');
      const visitors = await visitBoth(env, first);
      const stopped = group.stop();
      let isRefused = false;
      while (!isRefused) {
        const late = env.client();
        let outcome = '';
        late.onConnect(() => (outcome = 'connected'));
        late.onDisconnect(() => (outcome ||= 'refused'));
        late.connect(env.address, first.port);
        await env.until('a late connection has an outcome', () => outcome !== '');
        isRefused = outcome === 'refused';
        late.close();
      }
      await echoOnce(env, visitors.flat());
      expectEqual(await stopped, 0, 'the status');
      await env.until('all have ended', () => visitors.flat().every(({ end }) => end.length > 0));
      for (const { end } of visitors.flat()) expectEqual(end, ['disconnect'], 'how a connection ends');
    },
  },
];
