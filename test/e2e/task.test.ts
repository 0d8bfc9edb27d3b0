/**
 * Tasks, their watchdog and their diagnostics, in processes of their own, as a program's author sees them.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { start, type Program } from './programs.js';
import { HANGS_MS, program, SERVER, visit } from './programs/inline.js';

const PORT = /^port (\d+)$/;
const SERVER_FILE = fileURLToPath(SERVER);

function startProgram(test: TestContext, text: string, env: NodeJS.ProcessEnv = {}): Program {
  return start(test, process.execPath, [program(test, text)], env);
}

/** Runs a program text that must end with status 0. Resolves to its output. */
async function printed(test: TestContext, text: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  return startProgram(test, text, env).output();
}

/** Writes another program text into a file. Returns an expression for its URL, to start it as a task. */
function taskOf(test: TestContext, text: string): string {
  return `new URL('${pathToFileURL(program(test, text)).href}')`;
}

const PARENT_PORT = "const { parentPort, workerData } = await import('node:worker_threads');";
const CAUGHT = 'const caught = (run) => { try { run(); } catch (error) { console.log(String(error)); } };';

describe('a task', { concurrency: true, timeout: HANGS_MS }, () => {
  it('is started with arguments and workerData, and answers what is posted', async (test) => {
    const task = taskOf(
      test,
      `${PARENT_PORT}
      parentPort.once('message', (text) => { parentPort.postMessage([text, workerData, process.argv.slice(2)]); });`,
    );
    const text = `
      const task = asynctcp.startTask(${task}, {}, { argv: ['a', '-b'], workerData: { x: 1 } });
      task.onMessage((value) => { console.log(JSON.stringify(value)); });
      task.postMessage('hello');
      console.log(await task.ended);`;
    assert.equal(await printed(test, text), '["hello",{"x":1},["a","-b"]]\n0\n');
  });

  it('is ready when its module was evaluated, and reports its thread before that', async (test) => {
    const task = taskOf(
      test,
      `${PARENT_PORT}\nawait new Promise((go) => { parentPort.once('message', go); });`,
    );
    const text = `
      const task = asynctcp.startTask(${task});
      const order = [];
      task.ready.then(() => { order.push('ready'); });
      const { threadId, core } = await task.started;
      order.push('started', threadId > 0, core.requested);
      task.postMessage('go on');
      await task.ready;
      console.log(JSON.stringify(order));`;
    assert.equal(await printed(test, text), '["started",true,-1,"ready"]\n');
  });

  it('that throws while it is loaded rejects ready and ended, with the error', async (test) => {
    const task = taskOf(test, "throw new RangeError('broken');");
    const text = `
      const task = asynctcp.startTask(${task});
      const outcomes = await Promise.allSettled([task.ready, task.ended]);
      for (const { status, reason } of outcomes) console.log(status, reason.message);
      console.log(typeof (await task.started).threadId);`;
    assert.equal(await printed(test, text), 'rejected broken\nrejected broken\nnumber\n');
  });

  it('that exits while it is loaded rejects ready, and ended has the status', async (test) => {
    const text = `
      const task = asynctcp.startTask(${taskOf(test, 'process.exit(6);')});
      const [ready, ended] = await Promise.allSettled([task.ready, task.ended]);
      console.log(ready.status, ready.reason.message, ended.value);`;
    assert.match(await printed(test, text), /^rejected .*status 6.* 6\n$/);
  });

  it('is ended by terminate while it runs, also where it spins', async (test) => {
    const text = `
      for (const program of [${taskOf(test, 'setInterval(() => undefined, 1000);')}, ${taskOf(test, 'for (;;);')}]) {
        const task = asynctcp.startTask(program);
        await task.started;
        console.log(await task.terminate(), await task.ended, await task.terminate());
      }`;
    assert.equal(await printed(test, text), '1 1 1\n1 1 1\n');
  });

  it('is ended by terminate while it waits to be started anew', async (test) => {
    const blocking = taskOf(
      test,
      `const server = new asynctcp.AsyncServer('127.0.0.1', 0);
      server.onClient(() => { for (;;); });
      await server.begin();
      new asynctcp.AsyncClient().connect('127.0.0.1', server.port());`,
    );
    const text = `
      const { readdirSync } = await import('node:fs');
      const threads = () => readdirSync('/proc/self/task').length;
      const task = asynctcp.startTask(${blocking}, { wdtTimeoutS: 1, wdtPanic: 1 });
      await new Promise((resolve) => task.onWatchdog(resolve));
      const before = threads();
      while (threads() >= before) await new Promise((resolve) => setImmediate(resolve));
      console.log(await task.terminate(), task.restarts);`;
    assert.equal(await printed(test, text), '1 0\n');
  });

  it('that is unref does not keep the process alive', async (test) => {
    const text = `
      const task = asynctcp.startTask(${taskOf(test, 'setInterval(() => undefined, 1000);')});
      await task.started;
      task.unref();
      console.log('over');`;
    assert.equal(await printed(test, text), 'over\n');
  });

  it('is refused with wrong arguments, by name and range', async (test) => {
    const text = `
      ${CAUGHT}
      const url = new URL('file:///nowhere.js');
      caught(() => asynctcp.startTask('./app.js'));
      caught(() => asynctcp.startTask(7));
      caught(() => asynctcp.startTask(url, { taskPriority: 25 }));
      caught(() => asynctcp.startTask(url, { taskPriorty: 3 }));
      caught(() => asynctcp.startTask(url, 'fast'));
      caught(() => asynctcp.startTask(url, {}, 7));
      caught(() => asynctcp.onWatchdog('x'));`;
    const lines = (await printed(test, text)).split('\n');
    const expected = [
      /^TypeError: program must be a URL .*"\.\/app\.js"$/,
      /^TypeError: program must be a URL .* not 7$/,
      /^RangeError: taskPriority must be 0 to 24, not 25$/,
      /^RangeError: .*taskPriorty.*taskPriority$/,
      /^TypeError: startTask takes an object of options, not "fast"$/,
      /^TypeError: options .*7$/,
      /^TypeError: onWatchdog .*"x"$/,
      /^$/,
    ];
    assert.equal(lines.length, expected.length, lines.join('\n'));
    for (const [index, pattern] of expected.entries()) assert.match(lines[index] ?? '', pattern);
  });

  it('has the configuration of the environment over its own over configure()', async (test) => {
    const text = `
      asynctcp.configure({ taskPriority: 0, taskStackSize: 200_000, diagnostics: 1 });
      const task = asynctcp.startTask(${taskOf(test, `${PARENT_PORT}\nparentPort.postMessage(asynctcp.diagnostics());`)},
        { taskPriority: 1, taskStackSize: 300_000 });
      task.onMessage(({ priority, stackWords }) => { console.log(priority.requested, stackWords.requested); });
      await task.ended;`;
    assert.equal(await printed(test, text, { CONFIG_ASYNC_TCP_TASK_PRIORITY: '2' }), '2 300000\n');
  });
});

describe('the diagnostics', { concurrency: true, timeout: HANGS_MS }, () => {
  it('that are disabled throw the name of their symbol', async (test) => {
    const text = `
      ${CAUGHT}
      caught(() => asynctcp.diagnostics());
      caught(() => asynctcp.AsyncClient.getStackHighWaterMark());`;
    assert.equal(
      await printed(test, text),
      'Error: diagnostics needs CONFIG_ASYNC_TCP_DIAGNOSTICS=1 (option diagnostics of configure)\n' +
        'Error: getStackHighWaterMark needs CONFIG_ASYNC_TCP_DIAGNOSTICS=1 (option diagnostics of configure)\n',
    );
  });

  it('count callbacks by kind, with the longest and the slow ones', async (test) => {
    const text = `
      asynctcp.configure({ diagnostics: 1, wdtTimeoutS: 1 });
      const server = new asynctcp.AsyncServer('127.0.0.1', 0);
      server.onClient((client) => {
        client.onData(() => {
          const endMs = performance.now() + 150;
          while (performance.now() < endMs);
          client.close();
        });
      });
      await server.begin();
      const client = new asynctcp.AsyncClient();
      client.onConnect(() => { client.write('x'); });
      const over = new Promise((resolve) => { client.onDisconnect(() => { server.end(); setImmediate(resolve); }); });
      client.connect('127.0.0.1', server.port());
      await over;
      const { callbacks, connections } = asynctcp.diagnostics();
      const counts = Object.entries(callbacks).map(([name, { count }]) => [name, count]);
      const { onData } = callbacks;
      console.log(JSON.stringify([Object.fromEntries(counts), onData.slow, onData.longestMs >= 150, connections]));`;
    const [counts, slow, isLong, connections] = JSON.parse(await printed(test, text)) as [
      Record<string, number>,
      number,
      boolean,
      Record<string, number>,
    ];
    const { onClient, onConnect, onData, onDisconnect, onError } = counts;
    assert.deepEqual([onClient, onConnect, onData, onDisconnect, onError], [1, 1, 1, 1, 0]);
    assert.deepEqual([slow, isLong], [1, true]);
    assert.deepEqual([connections['now'], connections['most'], connections['refused']], [0, 2, 0]);
  });

  for (const [limit, configured, options] of [
    ['CONFIG_LWIP_MAX_ACTIVE_TCP', 'maxActiveTcp: 2, ', '{}'],
    ["a server's maxClients", '', '{ maxClients: 2 }'],
  ] as const) {
    it(`count connections that there are, and that ${limit} refuses`, async (test) => {
      const text = `
        const net = await import('node:net');
        const { once } = await import('node:events');
        asynctcp.configure({ ${configured}diagnostics: 1 });
        const server = new asynctcp.AsyncServer('127.0.0.1', 0, ${options});
        server.onClient((client) => { client.write('x'); });
        await server.begin();
        const visitors = [];
        for (let count = 0; count < 2; count += 1) {
          visitors.push(net.connect(server.port(), '127.0.0.1'));
          await once(visitors[count], 'data');
        }
        const refused = net.connect(server.port(), '127.0.0.1').on('error', () => undefined).resume();
        await new Promise((resolve) => refused.on('close', resolve));
        console.log(JSON.stringify(asynctcp.diagnostics().connections));
        process.exit(0);`;
      const running = startProgram(test, text);
      assert.deepEqual(JSON.parse(await running.output()), { now: 2, most: 2, refused: 1 });
    });
  }

  it('tell what all clients have unacknowledged, and the budget of the stacks in use', async (test) => {
    const text = `
      asynctcp.configure({ diagnostics: 1, sendBudgetBytes: 1_048_576 });
      const send = () => asynctcp.diagnostics().send;
      const told = [send()];
      const server = new asynctcp.AsyncServer('127.0.0.1', 0);
      let greeted = 0;
      server.onClient((client) => { greeted += client.add('abc'); });
      await server.begin();
      told.push(send());
      const own = asynctcp.nodeStack({ sendBudgetBytes: 2_097_152 });
      const clients = [];
      for (const stack of [undefined, own]) {
        clients.push(await asynctcp.AsyncClient.open('127.0.0.1', server.port(), stack && { stack }));
      }
      while (greeted < 6) await new Promise((resolve) => { setTimeout(resolve, 1); });
      clients[0].add(new Uint8Array(1000));
      told.push(send());
      for (const client of clients) client.abort();
      console.log(JSON.stringify(told));
      process.exit(0);`;
    assert.deepEqual(JSON.parse(await startProgram(test, text).output()), [
      { budgetBytes: 0, unacknowledgedBytes: 0 },
      { budgetBytes: 1_048_576, unacknowledgedBytes: 0 },
      { budgetBytes: 3_145_728, unacknowledgedBytes: 1006 },
    ]);
  });

  it('tell core, priority and stack as asked for and as they are, on the main thread', async (test) => {
    const text = `
      asynctcp.configure({ diagnostics: 1, runningCore: 0, taskPriority: 2 });
      const { core, priority, stackWords } = asynctcp.diagnostics();
      console.log(JSON.stringify([core, priority, stackWords.requested, stackWords.effective > 100_000]));
      const mark = asynctcp.AsyncClient.getStackHighWaterMark();
      console.log(mark > 0 && mark <= stackWords.effective);`;
    assert.equal(
      await printed(test, text),
      '[{"requested":0,"effective":0},{"requested":2,"effective":2,"nice":6},8192,true]\ntrue\n',
    );
  });

  it('a stack size in a program without a task costs one warning', async (test) => {
    const text = 'new asynctcp.AsyncServer(0);\nnew asynctcp.AsyncClient();';
    const running = startProgram(test, text, { CONFIG_ASYNC_TCP_TASK_STACK_SIZE: '300000' });
    await running.ended;
    const { text: told } = running.stderr;
    assert.match(told, /^asynctcp: CONFIG_ASYNC_TCP_TASK_STACK_SIZE=300000 has no effect on [^\n]*\n$/);
    assert.match(told, /startTask\(\) make one with that stack/);
  });
});

// ---- the watchdog

const IMPATIENT = { CONFIG_ESP_TASK_WDT_TIMEOUT_S: '1' };
const WITH_PANIC = { ...IMPATIENT, CONFIG_ESP_TASK_WDT_PANIC: '1' };
/**
 * Returns a server whose `onData` blocks for `ms` and prints when it begins. It echoes a single byte at once.
 */
function blocksFor(ms: number): string {
  return `
    const { writeSync } = await import('node:fs');
    const server = new asynctcp.AsyncServer('127.0.0.1', 0);
    asynctcp.onWatchdog(({ handler, threadId, panic }) => {
      console.log('bitten', handler, threadId, panic);
      process.exit(0);
    });
    server.onClient((client) => {
      client.onData((_, data) => {
        if (data.length === 1) return client.write(data);
        writeSync(1, 'blocks\\n');
        const endMs = performance.now() + ${ms};
        while (performance.now() < endMs);
        console.log('free');
        client.write('free');
      });
    });
    await server.begin();
    console.log('port ' + server.port());`;
}

/** One process at a time, because these tests depend on time. */
describe('the watchdog', { concurrency: false, timeout: 2 * HANGS_MS }, () => {
  it('notifies the thread that was bitten, once it is free again', async (test) => {
    const running = startProgram(test, blocksFor(3000), IMPATIENT);
    const visitor = await visit(test, await running.stdout.number(PORT));
    visitor.socket.write('spin');
    assert.match(await running.output(), /\nfree\nbitten onData 0 false\n$/);
    assert.match(running.stderr.text, /The async task in the main thread has been in one callback/);
  });

  it('that panics ends a program by SIGABRT, and its connections are reset', async (test) => {
    const running = start(test, process.execPath, [SERVER_FILE], WITH_PANIC);
    const port = await running.stdout.number(PORT);
    const visitors = [await visit(test, port), await visit(test, port)];
    visitors[0]?.socket.write('block');
    for (const { ended } of visitors) assert.equal(await ended, 'ECONNRESET');
    assert.deepEqual(await running.ended, { status: null, signal: 'SIGABRT' });
  });

  it('that panics ends a worker of the program itself with status 134, and the main thread goes on', async (test) => {
    const text = `
      const { Worker } = await import('node:worker_threads');
      const worker = new Worker(new URL('${SERVER.href}'));
      worker.on('exit', (status) => { console.log('worker ended with ' + status); });`;
    const running = startProgram(test, text, WITH_PANIC);
    const visitor = await visit(test, await running.stdout.number(PORT));
    visitor.socket.write('block');
    assert.equal(await visitor.ended, 'ECONNRESET');
    assert.match(await running.output(), /\nworker ended with 134\n$/);
  });

  it('does not keep a process alive', async (test) => {
    const text = `
      const server = new asynctcp.AsyncServer('127.0.0.1', 0);
      await server.begin();
      server.end();
      console.log('over');`;
    assert.equal(await printed(test, text), 'over\n');
  });

  const onLinux = { skip: existsSync('/proc/self/task') ? false : 'no /proc on this system' };
  it('has a thread only where there is a client or a server', onLinux, async (test) => {
    const text = `
      console.log('idle');
      process.stdin.once('data', () => { new asynctcp.AsyncServer(0); console.log('in use'); });`;
    const running = startProgram(test, text);
    const threads = (): number => readdirSync(`/proc/${running.pid}/task`).length;
    await running.stdout.line(/^idle$/);
    // Reading standard input has started no thread.
    const before = threads();
    running.type('\n');
    await running.stdout.line(/^in use$/);
    assert.equal(threads(), before + 1);
  });

  /** Stops the process for 3 s, and continues it. The pause itself is what the test is about. */
  async function stopAndGoOn({ pid }: Program): Promise<void> {
    process.kill(pid, 'SIGSTOP');
    await new Promise((resolve) => setTimeout(resolve, 3000));
    assert.match(readFileSync(`/proc/${pid}/stat`, 'utf8'), /\) T /);
    process.kill(pid, 'SIGCONT');
  }

  it('does not bite a process that was stopped (SIGSTOP) outside of callbacks', onLinux, async (test) => {
    const running = startProgram(test, blocksFor(300), IMPATIENT);
    const visitor = await visit(test, await running.stdout.number(PORT));
    await stopAndGoOn(running);
    assert.equal(await visitor.ask('spin', 4), 'free');
    assert.equal(running.stderr.text, '');
  });

  it('does not bite a process that was stopped (SIGSTOP) within a callback', onLinux, async (test) => {
    const running = startProgram(test, blocksFor(300), IMPATIENT);
    const visitor = await visit(test, await running.stdout.number(PORT));
    const answer = visitor.ask('spin', 4);
    await running.stdout.line(/^blocks$/);
    await stopAndGoOn(running);
    assert.equal(await answer, 'free');
    // Another callback, after the watchdog has had time to check.
    assert.equal(await visitor.ask('spin', 4), 'free');
    assert.equal(running.stderr.text, '');
  });
});
