/** `asynctcp run --tasks` and `startTasks`: one program as several tasks, in processes of their own. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { request as httpRequest, Agent, type IncomingMessage } from 'node:http';
import { connect, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import { start, startPeer, unlessInstalled, type Program } from './programs.js';
import { HANGS_MS, MAIN, program, startRun, temporaryFolder, Visit } from './programs/inline.js';

const PORT = /^port (\d+)$/;
const DOOR = new URL('../../../dist/index.js', import.meta.url).href;
const NET_DOOR = new URL('../../../dist/net.js', import.meta.url).href;

/**
 * Answers each line with the number of the task and the line; `throw` ends the task with an error, `spin`
 * blocks it for ever.
 */
const SERVER = `
  const { writeSync } = await import('node:fs');
  const server = new asynctcp.AsyncServer('127.0.0.1', Number(process.argv[2] ?? 0));
  server.onClient((client) => {
    client.onData((_, data) => {
      const text = new TextDecoder().decode(data);
      if (text === 'throw') setTimeout(() => { throw new Error('asked to'); });
      else if (text === 'spin') { writeSync(1, 'spins\\n'); for (;;); }
      else client.write(asynctcp.taskNumber() + ' ' + text);
    });
  });
  await server.begin();
  console.log('port ' + server.port());`;

/** Starts a program as tasks. Resolves when the first task has printed its port. */
async function startServer(
  test: TestContext,
  text: string,
  words: readonly string[],
): Promise<[Program, number]> {
  const running = startRun(test, [...words, program(test, text)]);
  return [running, await running.stdout.number(PORT)];
}

async function everyTaskListens(running: Program, count: number): Promise<void> {
  for (let more = 1; more < count; more += 1) await running.stdout.line(PORT);
}

interface Visitor {
  readonly visit: Visit;
  readonly task: string;
}

/** Connects and asks for the number of the task. */
async function visitTask(test: TestContext, port: number): Promise<Visitor> {
  const socket = connect(port, '127.0.0.1');
  test.after(() => socket.destroy());
  const visit = new Visit(socket);
  const answer = await visit.ask('who', 5);
  return { visit, task: answer.slice(0, 1) };
}

/** Connects until each task has at least one of the visitors. */
async function visitAll(test: TestContext, port: number, tasks: number): Promise<Visitor[]> {
  const visitors: Visitor[] = [];
  while (new Set(visitors.map(({ task }) => task)).size < tasks) visitors.push(await visitTask(test, port));
  return visitors;
}

describe('the tasks of a program', { timeout: HANGS_MS }, () => {
  it('listen on one port, which the system chooses for all of them', async (test) => {
    const [running, port] = await startServer(test, SERVER, ['--tasks', '3']);
    assert.equal(await running.stdout.number(PORT), port);
    assert.equal(await running.stdout.number(PORT), port);
    await visitAll(test, port, 3);
    assert.equal((await running.terminate()).status, 0, running.stderr.text);
    assert.match(running.stderr.text, /^asynctcp: task 1 runs on core \d+ /m);
  });

  it('that end by an error cost their own connections alone, and are started anew, alone', async (test) => {
    const [running, port] = await startServer(test, SERVER, ['-q', '--tasks', '2']);
    await everyTaskListens(running, 2);
    const visitors = await visitAll(test, port, 2);
    const victim = visitors.find(({ task }) => task === '1');
    victim?.visit.socket.write('throw');
    for (const { visit, task } of visitors) {
      if (task === '1') assert.equal(await visit.ended, 'ECONNRESET');
      else assert.equal(await visit.ask('again', 7), '0 again');
    }
    await running.stdout.line(PORT);
    assert.match(running.stderr.text, /task 1 has ended by an error that it did not catch: Error: asked to/);
    assert.match(running.stderr.text, /task 1 is started anew, restart 1, 100 ms after it ended/);
    const after = await visitAll(test, port, 2);
    for (const { visit, task } of after) assert.equal(await visit.ask('again', 7), `${task} again`);
    for (const { visit, task } of visitors) {
      if (task === '0') assert.equal(await visit.ask('again', 7), '0 again');
    }
  });

  it('serve the connections that wait for a task which has panicked, and those that come until it is back', async (test) => {
    // The second thread of task 1 is not loaded before it is told to go on.
    const folder = temporaryFolder(test);
    const text = `
      const { existsSync, writeFileSync } = await import('node:fs');
      const first = ${JSON.stringify(join(folder, 'first'))};
      const goOn = ${JSON.stringify(join(folder, 'go on'))};
      if (asynctcp.taskNumber() === 1 && existsSync(first)) {
        while (!existsSync(goOn)) await new Promise((resolve) => setTimeout(resolve, 10));
      }
      if (asynctcp.taskNumber() === 1) writeFileSync(first, '');
      ${SERVER}`;
    const panic = ['-D', 'CONFIG_ESP_TASK_WDT_TIMEOUT_S=1', '-D', 'CONFIG_ESP_TASK_WDT_PANIC=1'];
    const [running, port] = await startServer(test, text, ['-q', '--tasks', '2', ...panic]);
    await everyTaskListens(running, 2);
    const visitors = await visitAll(test, port, 2);
    visitors.find(({ task }) => task === '1')?.visit.socket.write('spin');
    await running.stdout.line(/^spins$/);
    // About half of them are the blocked task's.
    const waiting = Array.from({ length: 40 }, () => visitTask(test, port));
    for (const { task } of await Promise.all(waiting)) assert.equal(task, '0');
    for (let more = 0; more < 20; more += 1) assert.equal((await visitTask(test, port)).task, '0');
    writeFileSync(join(folder, 'go on'), '');
    await running.stdout.line(PORT);
    await visitAll(test, port, 2);
  });

  it('end at SIGTERM when the program’s handlers have run, with the status that they set', async (test) => {
    const text = `${SERVER}
      process.on('SIGTERM', () => { console.log('handled'); process.exitCode = 4; void server.end({ clients: 'close' }); });`;
    const [running] = await startServer(test, text, ['-q', '--tasks', '2']);
    await everyTaskListens(running, 2);
    assert.equal((await running.terminate()).status, 4);
    assert.equal(running.stdout.text.match(/^handled$/gm)?.length, 2);
  });

  it('end at a second signal at once', async (test) => {
    const [running] = await startServer(
      test,
      `${SERVER} process.on('SIGTERM', () => { console.log('ignored'); });`,
      ['-q', ...['--tasks', '2']],
    );
    await everyTaskListens(running, 2);
    process.kill(running.pid, 'SIGTERM');
    await running.stdout.line(/^ignored$/);
    assert.deepEqual(await running.interrupt(), { status: 130, signal: null });
  });

  it('that do not end in time are ended', async (test) => {
    const text = `${SERVER} process.on('SIGTERM', () => { console.log('ignored'); });`;
    const [running] = await startServer(test, text, ['-q', '--tasks', '2', '--drain-ms', '1']);
    await everyTaskListens(running, 2);
    assert.equal((await running.terminate()).status, 1);
  });

  it('have what was sent delivered when they end', async (test) => {
    const text = `
      const server = new asynctcp.AsyncServer('127.0.0.1', 0);
      server.onClient((client) => { client.onData(() => { client.write('x'.repeat(100_000)); }); });
      await server.begin();
      console.log('port ' + server.port());`;
    const [running, port] = await startServer(test, text, ['-q', '--tasks', '1', '--drain-ms', '10']);
    const visit = new Visit(connect(port, '127.0.0.1'));
    await visit.ask('.', 1);
    const ended = running.terminate();
    assert.equal(await visit.ended, 'end');
    assert.equal(visit.text.length, 100_000);
    assert.equal((await ended).status, 0);
  });
});

describe('a program that cannot be loaded', { timeout: HANGS_MS }, () => {
  it('ends all tasks, and its error is printed once', async (test) => {
    const running = startRun(test, ['-q', '--tasks', '4', program(test, "throw new RangeError('broken');")]);
    assert.equal((await running.ended).status, 1);
    assert.equal(running.stderr.text.match(/RangeError: broken/g)?.length, 1);
  });

  it('ends all tasks with its status', async (test) => {
    const running = startRun(test, ['-q', '--tasks', '2', program(test, 'process.exit(3);')]);
    assert.equal((await running.ended).status, 3);
    assert.equal(running.stderr.text, '');
  });

  it('because another program has its port ends all tasks, even where that program shares the port', async (test) => {
    const other = startRun(test, [
      '-q',
      program(
        test,
        `const server = new asynctcp.AsyncServer('127.0.0.1', 0, { reusePort: true });
        await server.begin();
        console.log('port ' + server.port());`,
      ),
    ]);
    const port = await other.stdout.number(PORT);
    const running = startRun(test, ['-q', '--tasks', '2', program(test, SERVER), String(port)]);
    assert.equal((await running.ended).status, 1);
    assert.match(running.stderr.text, /address in use/);
  });

  it('in one task alone is tried again while the others serve', async (test) => {
    const text = `if (asynctcp.taskNumber() === 1) throw new Error('not here');\n${SERVER}`;
    const [running, port] = await startServer(test, text, ['-q', '--tasks', '2']);
    await running.stderr.line(/task 1 is started anew, restart 2, 200 ms after it ended/);
    assert.equal((await visitTask(test, port)).task, '0');
    assert.equal((await running.terminate()).status, 0);
  });
});

describe('tasks that none can load any more', { timeout: HANGS_MS }, () => {
  it('end with the error, whatever was loaded before', async (test) => {
    const folder = temporaryFolder(test);
    const text = `
      const { existsSync, writeFileSync } = await import('node:fs');
      const once = ${JSON.stringify(folder)} + '/' + asynctcp.taskNumber();
      if (existsSync(once)) throw new RangeError('no more');
      writeFileSync(once, '');
      ${SERVER}`;
    const [running, port] = await startServer(test, text, ['-q', '--tasks', '2']);
    await everyTaskListens(running, 2);
    const visitors = await visitAll(test, port, 2);
    for (const number of ['0', '1']) {
      visitors.find(({ task }) => task === number)?.visit.socket.write('throw');
    }
    assert.equal((await running.ended).status, 1);
    assert.match(running.stderr.text, /^Uncaught RangeError: no more/m);
  });
});

describe('a reload of tasks', { timeout: HANGS_MS }, () => {
  it('refuses and loses no connection, and no answer', async (test) => {
    const [running, port] = await startServer(test, SERVER, ['--tasks', '2']);
    await everyTaskListens(running, 2);
    let isOver = false;
    let visits = 0;
    const goOn = async (): Promise<void> => {
      while (!isOver) {
        const { visit } = await visitTask(test, port);
        visits += 1;
        visit.socket.destroy();
        await visit.ended;
      }
    };
    const visitors = Promise.all(Array.from({ length: 20 }, goOn));
    for (let reloads = 0; reloads < 3; reloads += 1) {
      process.kill(running.pid, 'SIGHUP');
      await running.stderr.line(/^asynctcp: all tasks were replaced$/);
    }
    isOver = true;
    await visitors;
    assert.ok(visits > 20);
    assert.equal((await running.terminate()).status, 0);
  });

  it('takes the program’s new text', async (test) => {
    const file = program(test, `console.log('port 1'); setInterval(() => undefined, 1000);`);
    const running = startRun(test, ['--tasks', '2', file]);
    await everyTaskListens(running, 3);
    writeFileSync(file, `console.log('new'); setInterval(() => undefined, 1000);`);
    process.kill(running.pid, 'SIGHUP');
    await running.stderr.line(/all tasks were replaced/);
    for (let task = 0; task < 2; task += 1) await running.stdout.line(/^new$/);
    assert.equal((await running.terminate()).status, 0);
  });

  it('to a program that cannot be loaded fails, and the tasks go on', async (test) => {
    const file = program(test, SERVER);
    const running = startRun(test, ['--tasks', '2', file]);
    const port = await running.stdout.number(PORT);
    await everyTaskListens(running, 2);
    const visitors = await visitAll(test, port, 2);
    writeFileSync(file, "throw new Error('a mistake');");
    process.kill(running.pid, 'SIGHUP');
    await running.stderr.line(/^asynctcp: .*a mistake/);
    for (const { visit, task } of visitors) assert.equal(await visit.ask('again', 7), `${task} again`);
    await visitAll(test, port, 2);
  });

  it('to a program that does not listen any more fails when its time is over', async (test) => {
    const file = program(test, SERVER);
    const text = `
      const { writeFileSync } = await import('node:fs');
      const tasks = asynctcp.startTasks(new URL(${JSON.stringify(pathToFileURL(file).href)}), 2, {}, { startMs: 2000 });
      await tasks.ready;
      writeFileSync(${JSON.stringify(file)}, 'setInterval(() => undefined, 1000);');
      console.log(await tasks.reload().catch((error) => error.message));
      console.log(tasks.tasks.map(({ number, state, restarts }) => [number, state, restarts].join(' ')).join());
      const again = tasks.reload().catch((error) => error.message);
      console.log(await tasks.terminate(), await again);`;
    const printed = await start(test, process.execPath, [program(test, text)]).output();
    assert.match(
      printed,
      new RegExp(
        '^port (\\d+)\nport \\1\n' +
          'task 0 is not replaced: after 2000 ms the new one does not listen at 127\\.0\\.0\\.1 port 0 #0\n' +
          '0 RUNNING 0,1 RUNNING 0\n1 the tasks have ended\n$',
      ),
    );
  });

  it('that is given up leaves no port open at which only the new program listened', async (test) => {
    const free = createServer().listen(0, '127.0.0.1');
    await once(free, 'listening');
    const { port: extra } = free.address() as AddressInfo;
    free.close();
    const file = program(test, SERVER);
    const running = startRun(test, ['-q', '--tasks', '2', file]);
    await everyTaskListens(running, 3);
    writeFileSync(
      file,
      `import * as asynctcp from '${DOOR}';
      const { once } = await import('node:events');
      const { connect } = await import('node:net');
      const server = new asynctcp.AsyncServer('127.0.0.1', ${extra});
      server.onClient(() => undefined);
      await server.begin();
      await once(connect(${extra}, '127.0.0.1'), 'connect');
      throw new Error('a mistake');`,
    );
    process.kill(running.pid, 'SIGHUP');
    await running.stderr.line(/^asynctcp: .*a mistake/);
    const [error] = (await once(connect(extra, '127.0.0.1'), 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNREFUSED');
  });

  it('leaves the socket of a task that has ended to the new thread, also if the old one just exits', async (test) => {
    const text = `${SERVER}
      process.on('SIGTERM', () => process.exit());
      if (asynctcp.taskNumber() === 1) { writeSync(1, 'exits\\n'); process.exit(); }`;
    const [running, port] = await startServer(test, text, ['--tasks', '2']);
    await running.stdout.line(/^exits$/);
    process.kill(running.pid, 'SIGHUP');
    await running.stderr.line(/^asynctcp: all tasks were replaced$/);
    // The old thread resets those that it has accepted when it exits: they come again.
    const visit = (): Promise<Visitor> => visitTask(test, port).catch(visit);
    // About half of them are those of the socket of task 1.
    const visitors = Array.from({ length: 20 }, visit);
    for (const { task } of await Promise.all(visitors)) assert.equal(task, '0');
    assert.equal((await running.terminate()).status, 0);
  });

  it('under wrk refuses and loses nothing', { skip: unlessInstalled('wrk') }, async (test) => {
    const text = `
      const { createServer } = await import('node:http');
      const { carry } = await import('${NET_DOOR}');
      const server = carry(createServer((_, answer) => { answer.end('hello'); }));
      server.listen(0, '127.0.0.1', () => { console.log('port ' + server.address().port); });`;
    const [running, port] = await startServer(test, text, ['--tasks', '2']);
    await everyTaskListens(running, 2);
    const load = startPeer(test, 'wrk', '-t1', '-c20', '-d5s', `http://127.0.0.1:${port}/`);
    const isOver = load.ended.then(() => true);
    let reloads = 0;
    while (!(await Promise.race([isOver, Promise.resolve(false)]))) {
      process.kill(running.pid, 'SIGHUP');
      await running.stderr.line(/^asynctcp: all tasks were replaced$/);
      reloads += 1;
      if (reloads === 3) await isOver;
    }
    const report = await load.output();
    assert.match(report, /\d+ requests in/);
    assert.doesNotMatch(report, /Socket errors|Non-2xx/);
    assert.ok(reloads >= 1);
    assert.equal((await running.terminate()).status, 0);
  });
});

/** Sends a request on a kept connection. Resolves to the answer, with its body read. */
async function ask(agent: Agent, port: number, path: string): Promise<IncomingMessage> {
  const request = httpRequest({ agent, port, host: '127.0.0.1', path }).end();
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  answer.resume();
  await once(answer, 'end');
  return answer;
}

describe('an HTTP server whose task drains', { timeout: HANGS_MS }, () => {
  const HTTP = `
    const { createServer } = await import('node:http');
    const { carry } = await import('${NET_DOOR}');
    const server = carry(createServer((request, answer) => {
      if (request.url === '/now') { answer.end('now'); return; }
      console.log('asked');
      process.once('drain the answers', () => { answer.end('late'); });
    }));
    // As a test, ends the answers that are due when the task has begun to drain.
    const ended = setInterval(() => { if (!server.listening) process.emit('drain the answers'); }, 10);
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    console.log('port ' + server.address().port);`;

  it('answers the request that it has, and ends each connection with its next answer', async (test) => {
    const [running, port] = await startServer(test, HTTP, ['-q', '--tasks', '1']);
    const busy = new Agent({ keepAlive: true });
    const idle = new Agent({ keepAlive: true });
    test.after(() => {
      busy.destroy();
      idle.destroy();
    });
    assert.equal((await ask(idle, port, '/now')).headers.connection, 'keep-alive');
    const late = ask(busy, port, '/late');
    await running.stdout.line(/^asked$/);
    const ended = running.terminate();
    assert.equal((await late).headers.connection, 'close');
    assert.equal((await ask(idle, port, '/now')).headers.connection, 'close');
    assert.equal((await ended).status, 0);
  });

  it('resets what is left when its time is over', async (test) => {
    const text = HTTP.replace('if (!server.listening)', 'if (false)');
    const [running, port] = await startServer(test, text, ['-q', '--tasks', '1', '--drain-ms', '50']);
    const late = ask(new Agent(), port, '/late');
    await running.stdout.line(/^asked$/);
    const ended = running.terminate();
    await assert.rejects(late, { code: 'ECONNRESET' });
    assert.equal((await ended).status, 0);
  });
});

describe('startTasks', { concurrency: true, timeout: HANGS_MS }, () => {
  function taskOf(test: TestContext, text: string): string {
    return `new URL('${pathToFileURL(program(test, text)).href}')`;
  }

  it('gives each task the messages, and tells which task has posted one', async (test) => {
    const task = taskOf(
      test,
      `const { parentPort, workerData } = await import('node:worker_threads');
      parentPort.once('message', (text) => {
        parentPort.postMessage([text, workerData, process.argv[2], asynctcp.taskNumber()].join());
      });`,
    );
    const text = `
      const tasks = asynctcp.startTasks(${task}, 2, {}, { argv: ['a'], workerData: 'w' });
      const posted = [];
      tasks.onMessage((value, number) => { posted.push(number + ': ' + value); });
      console.log((await tasks.started).length, asynctcp.taskNumber());
      await tasks.ready;
      tasks.postMessage('hello');
      console.log(await tasks.ended, posted.sort().join(' '), tasks.restarts);`;
    const printed = await start(test, process.execPath, [program(test, text)]).output();
    assert.equal(printed, '2 undefined\n0 0: hello,w,a,0 1: hello,w,a,1 0\n');
  });

  it('tells of restarts by number and task, and of bites', async (test) => {
    const text = `
      const tasks = asynctcp.startTasks(${taskOf(test, `${SERVER} if (asynctcp.taskNumber() === 1) setTimeout(() => { throw new Error('x'); });`)}, 2);
      await new Promise((resolve) => tasks.onRestart((restarts, task) => { console.log(restarts, task); resolve(); }));
      console.log(tasks.restarts > 0, tasks.tasks[0].restarts);
      console.log(await tasks.terminate());`;
    const running = start(test, process.execPath, [program(test, text)]);
    assert.match(await running.output(), /1 1\ntrue 0\n1\n$/);
  });

  it('pins the tasks to the cores that the process may use, from the configured one on', async (test) => {
    const text = `
      const tasks = asynctcp.startTasks(${taskOf(test, 'setInterval(() => undefined, 1000);')}, 3, { runningCore: Number(process.argv[2]) });
      console.log((await tasks.started).map(({ core }) => core.effective).join());
      await tasks.terminate();`;
    const file = program(test, text);
    const { availableParallelism } = await import('node:os');
    if (availableParallelism() < 2) {
      test.skip('needs two cores');
      return;
    }
    const pinned = (...words: string[]): Promise<string> =>
      start(test, 'taskset', ['-c', '0,1', process.execPath, file, ...words]).output();
    assert.equal(await pinned('1'), '1,0,1\n');
    assert.equal(await pinned('-1'), '-1,-1,-1\n');
  });

  it('reports the threads that a reload has put in place of others', async (test) => {
    const text = `
      const tasks = asynctcp.startTasks(${taskOf(test, 'setInterval(() => undefined, 1000);')}, 2);
      const former = (await tasks.started).map(({ threadId }) => threadId);
      await tasks.ready;
      await tasks.reload();
      console.log(tasks.tasks.map(({ thread }) => thread !== undefined && !former.includes(thread.threadId)).join());
      await tasks.terminate();`;
    assert.equal(await start(test, process.execPath, [program(test, text)]).output(), 'true,true\n');
  });

  it('lets the process end where the tasks are unref', async (test) => {
    const text = `
      const tasks = asynctcp.startTasks(${taskOf(test, SERVER)}, 2);
      await tasks.ready;
      tasks.unref();`;
    await start(test, process.execPath, [program(test, text)]).output();
  });

  it('leaves no port open when the tasks have ended', async (test) => {
    const text = `
      const { connect } = await import('node:net');
      const tasks = asynctcp.startTasks(${taskOf(test, `${SERVER} const { parentPort } = await import('node:worker_threads'); parentPort.postMessage(server.port());`)}, 2);
      const port = await new Promise((resolve) => tasks.onMessage(resolve));
      await tasks.ready;
      tasks.signal('SIGTERM');
      console.log(await tasks.ended);
      connect(port, '127.0.0.1').on('error', ({ code }) => { console.log(code); });`;
    assert.match(await start(test, process.execPath, [program(test, text)]).output(), /\n0\nECONNREFUSED\n$/);
  });

  it('leaves no port open where the program has ended its server', async (test) => {
    const ends = `${SERVER}
      const { parentPort } = await import('node:worker_threads');
      parentPort.postMessage(server.port());
      parentPort.on('message', () => { void server.end(); });`;
    const text = `
      const { connect } = await import('node:net');
      const tasks = asynctcp.startTasks(${taskOf(test, ends)}, 2);
      const port = await new Promise((resolve) => tasks.onMessage(resolve));
      await tasks.ready;
      tasks.postMessage('end');
      const refusal = () => new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1', () => { socket.destroy(); resolve(''); });
        socket.on('error', ({ code }) => { resolve(code); });
      });
      while ((await refusal()) !== 'ECONNREFUSED');
      console.log('refused');
      await tasks.terminate();`;
    assert.match(await start(test, process.execPath, [program(test, text)]).output(), /\nrefused\n$/);
  });

  it('is refused with wrong arguments, by name and range', async (test) => {
    const text = `
      const caught = (run) => { try { run(); } catch (error) { console.log(String(error)); } };
      const url = ${taskOf(test, '')};
      caught(() => asynctcp.startTasks(url, 0));
      caught(() => asynctcp.startTasks(url, '2'));
      caught(() => asynctcp.startTasks(url, 2, {}, { drainMs: -1 }));
      caught(() => asynctcp.startTasks(url, 2, {}, { startMs: 0 }));
      caught(() => asynctcp.startTasks('app.js', 2));`;
    const printed = await start(test, process.execPath, [program(test, text)]).output();
    assert.equal(
      printed,
      'RangeError: count must be an integer from 1 to 1024, not 0\n' +
        'TypeError: count must be an integer from 1 to 1024, not "2"\n' +
        'RangeError: drainMs must be a number from 0 to 86400000 ms, not -1\n' +
        'RangeError: startMs must be a number from 1 to 86400000 ms, not 0\n' +
        'TypeError: program must be a URL such as new URL(\'./app.js\', import.meta.url), not "app.js"\n',
    );
  });
});

describe('the command line of --tasks', { concurrency: true, timeout: HANGS_MS }, () => {
  const REFUSALS: [words: string[], said: RegExp][] = [
    [['--tasks', '0'], /^asynctcp run: --tasks must be an integer from 1 to 1024, not "0" /],
    [['--tasks', '1.5'], /--tasks must be an integer from 1 to 1024, not "1\.5"/],
    [['--tasks', 'two'], /--tasks must be an integer from 1 to 1024, not "two"/],
    [['--tasks', '2', '--drain-ms', '-5'], /--drain-ms/],
    [['--drain-ms', '5'], /--drain-ms needs --tasks/],
  ];
  for (const [words, said] of REFUSALS) {
    it(`refuses ${words.join(' ')}`, async (test) => {
      const running = startRun(test, [...words, program(test, '')]);
      assert.equal((await running.ended).status, 2);
      assert.match(running.stderr.text, said);
    });
  }

  it('allows more tasks than cores, and says so', async (test) => {
    const { availableParallelism } = await import('node:os');
    const cores = availableParallelism();
    const running = startRun(test, ['-q', '--tasks', String(cores + 1), program(test, '')]);
    assert.equal((await running.ended).status, 0);
    assert.match(running.stderr.text, new RegExp(`${cores + 1} tasks share the ${cores} cores`));
  });

  it('says which stack can share a port where the chosen one cannot', async (test) => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as AddressInfo;
    holder.close();
    const words = ['-q', '--stack', 'node', '--tasks', '2', program(test, SERVER), String(port)];
    const running = start(test, process.execPath, [MAIN, 'run', ...words]);
    if (Number(process.versions.node.split('.')[0]) >= 24) {
      await everyTaskListens(running, 3);
      return;
    }
    assert.equal((await running.ended).status, 1);
    assert.match(
      running.stderr.text,
      /tasks cannot share a port on the node stack of this runtime: the stack kernel can/,
    );
  });
});
