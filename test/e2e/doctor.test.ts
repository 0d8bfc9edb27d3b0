/** `asynctcp doctor`, and the library without its native addon. */
import assert from 'node:assert/strict';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { loadAddon } from '#src/addon/load-addon.js';
import { start, type Program } from './programs.js';
import { HANGS_MS, MAIN, program, startRun, temporaryFolder, visit } from './programs/inline.js';

const SUBJECTS = [
  'stack in use',
  'stack kernel',
  'stack node',
  'native addon',
  'core pinning',
  'priorities',
  'stack measurement',
  'task thread',
  'watchdog',
  'open files',
  'TAP devices',
];
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Resolves to the output of a program that must not print anything on stderr. */
async function quietOutput(running: Program): Promise<string> {
  const text = await running.output();
  assert.equal(running.stderr.text, '');
  return text;
}

/** Returns the lines of a doctor's report, by subject. */
function answers(report: string): Map<string, string> {
  const lines = [...report.matchAll(/^ {2}(yes|no ) {2}(.{18})\S/gm)];
  return new Map(lines.map(([, answer = '', subject = '']) => [subject.trim(), answer.trim()]));
}

/** Installs the package without its addon. Returns its folder. */
function withoutAddon(test: TestContext): string {
  const folder = temporaryFolder(test);
  for (const part of ['dist', 'package.json'])
    cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  return folder;
}

function doorOf(folder: string): string {
  return pathToFileURL(join(folder, 'dist', 'index.js')).href;
}

describe('asynctcp doctor', { concurrency: true, timeout: HANGS_MS }, () => {
  it('has an answer to every subject, and status 0', async (test) => {
    const report = await quietOutput(start(test, process.execPath, [MAIN, 'doctor']));
    assert.match(report, /^asynctcp \d+\.\d+\.\d+ on Node \d+\.\d+\.\d+, \S+ \S+\n\n/);
    assert.deepEqual([...answers(report).keys()], SUBJECTS);
    for (const line of report.split('\n')) assert.ok(line.length <= 100, line);
  });

  it('says no with a remedy where the limit of open files is low', async (test) => {
    const words = ['-c', 'ulimit -n 256; exec "$@"', 'sh', process.execPath, MAIN, 'doctor'];
    const report = await quietOutput(start(test, 'sh', words));
    assert.equal(answers(report).get('open files'), 'no');
    assert.match(report, /256 at once \(may be raised to 256\).*ulimit -n 10000/s);
  });

  it('says no with a reason to all that needs the addon, where it is missing', async (test) => {
    const main = join(withoutAddon(test), 'dist', 'cli', 'main.js');
    const report = await quietOutput(start(test, process.execPath, [main, 'doctor']));
    const found = answers(report);
    assert.deepEqual([...found.keys()], SUBJECTS);
    for (const subject of [
      'stack kernel',
      'native addon',
      'core pinning',
      'priorities',
      'stack measurement',
    ]) {
      assert.equal(found.get(subject), 'no', subject);
    }
    for (const subject of ['stack node', 'task thread', 'watchdog']) assert.equal(found.get(subject), 'yes');
    assert.match(report, /native addon +The native addon is not in the package; install the package again\./);
    assert.match(report, /core pinning +needs the native addon\n/);
    assert.match(report, /stack in use +node, because the stack kernel does not \(/);
  });

  it('prints which stack is used, and why', async (test) => {
    const inUse = async (env: Record<string, string>, ...words: string[]): Promise<string> => {
      const report = await quietOutput(start(test, process.execPath, [...words, MAIN, 'doctor'], env));
      return /(?:yes|no ) {2}stack in use +(.*)/.exec(report)?.[1] ?? '';
    };
    assert.match(await inUse({}), /^kernel, because the native addon works/);
    assert.equal(await inUse({ CONFIG_ASYNC_TCP_STACK: 'node' }), 'node, by CONFIG_ASYNC_TCP_STACK');
    assert.equal(await inUse({ CONFIG_ASYNC_TCP_STACK: 'kernel' }), 'kernel, by CONFIG_ASYNC_TCP_STACK');
    assert.match(
      await inUse({ CONFIG_ASYNC_TCP_STACK: 'kernel' }, '--no-addons'),
      /^there is no stack kernel:/,
    );
  });

  it('says no with the remedy where Node may not load addons', async (test) => {
    const report = await quietOutput(start(test, process.execPath, ['--no-addons', MAIN, 'doctor']));
    assert.equal(answers(report).get('native addon'), 'no');
    assert.match(report, /start it\s+without --no-addons/);
  });

  it('takes no operands', async (test) => {
    const running = start(test, process.execPath, [MAIN, 'doctor', 'who']);
    assert.equal((await running.ended).status, 2);
    assert.match(running.stderr.text, /^asynctcp doctor: unexpected argument 'who' [^\n]*\n$/);
  });
});

describe('where the system does not let the addon work', { timeout: HANGS_MS }, () => {
  const { reason } = loadAddon();
  /** Makes a client while no descriptor is left. */
  const starving = async (test: TestContext, before: string): Promise<string> => {
    const text = `
      const { openSync, closeSync } = await import('node:fs');
      asynctcp.configure({ useWdt: 0, diagnostics: 1 });
      ${before}
      const taken = [];
      try { for (;;) taken.push(openSync('/dev/null')); } catch (error) { console.log(error.code); }
      new asynctcp.AsyncClient();
      new asynctcp.AsyncClient();
      taken.forEach(closeSync);`;
    const words = ['-c', 'ulimit -n 128; exec "$@"', 'sh', process.execPath, program(test, text)];
    const running = start(test, 'sh', words);
    assert.deepEqual(await running.ended, { status: 0, signal: null }, running.stderr.text);
    assert.equal(running.stdout.text, 'EMFILE\n');
    const told =
      /^asynctcp: the stack is node and not kernel: ([^\n]+) CONFIG_ASYNC_TCP_STACK=node [^\n]+\n$/;
    assert.match(running.stderr.text, told);
    return told.exec(running.stderr.text)?.[1] ?? '';
  };
  const skip = reason ?? false;

  it('one line says what the system said', { skip }, async (test) => {
    assert.match(await starving(test, 'asynctcp.diagnostics();'), /^EMFILE: .+\.$/);
  });

  it('one line says why it does not load', { skip }, async (test) => {
    assert.match(
      await starving(test, ''),
      /^The native addon .+ does not load: .*[Tt]oo many open files; let/,
    );
  });
});

describe('a symbol that the operating system decides', { timeout: HANGS_MS }, () => {
  for (const stack of ['auto', 'node']) {
    it(`costs one line on the stack ${stack}`, async (test) => {
      const file = program(test, 'new asynctcp.AsyncClient(); new asynctcp.AsyncClient();');
      const env = { CONFIG_LWIP_TCP_MSS: '1000', CONFIG_ASYNC_TCP_STACK: stack };
      const running = start(test, process.execPath, [file], env);
      assert.deepEqual(await running.ended, { status: 0, signal: null }, running.stderr.text);
      const lines = running.stderr.text.match(/^asynctcp: CONFIG_LWIP_TCP_MSS has no effect on the .*$/gm);
      assert.equal(lines?.length, 1, running.stderr.text);
    });
  }
});

describe('without the addon', { concurrency: true, timeout: HANGS_MS }, () => {
  const REASON = 'The native addon is not in the package; install the package again.';
  /** On a platform for which a release has no binary, its absence is no error. */
  const isFault = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);
  const told = (reason: string): string =>
    isFault
      ? `asynctcp: the stack is node and not kernel: ${reason} CONFIG_ASYNC_TCP_STACK=node says that this is meant.\n`
      : '';
  const TOLD = told(REASON);
  const ECHO = `
    const server = new asynctcp.AsyncServer('127.0.0.1', 0);
    server.onClient((client) => {
      client.onData((_, data) => { client.write(data); });
      client.onDisconnect(() => { server.end(); });
    });
    await server.begin();
    console.log('port ' + server.port());`;

  async function echoes(test: TestContext, running: Program): Promise<void> {
    const visitor = await visit(test, await running.stdout.number(/^port (\d+)$/));
    assert.equal(await visitor.ask('hello', 5), 'hello');
    visitor.socket.end();
    assert.deepEqual(await running.ended, { status: 0, signal: null });
  }

  it('a server echoes, and one line says why its stack is not the kernel', async (test) => {
    const file = program(test, `${ECHO}\nnew asynctcp.AsyncClient();`, doorOf(withoutAddon(test)));
    const running = start(test, process.execPath, [file]);
    await echoes(test, running);
    assert.equal(running.stderr.text, TOLD);
  });

  it('nothing is said to a program that chose its stack', async (test) => {
    const file = program(test, ECHO, doorOf(withoutAddon(test)));
    const running = start(test, process.execPath, [file], { CONFIG_ASYNC_TCP_STACK: 'node' });
    await echoes(test, running);
    assert.equal(running.stderr.text, '');
  });

  it('asynctcp run runs it too', async (test) => {
    const folder = withoutAddon(test);
    const main = join(folder, 'dist', 'cli', 'main.js');
    const file = program(test, ECHO, doorOf(folder));
    const running = start(test, process.execPath, [main, 'run', file]);
    await echoes(test, running);
    const [first, ...others] = running.stderr.text.split(/(?<=\n)/);
    assert.match(first ?? '', /^asynctcp: the async task runs on any core at priority 3 [^\n]*\n$/);
    assert.equal(others.join(''), TOLD);
  });

  it('a task starts, with a thread of which the system number is unknown', async (test) => {
    const folder = withoutAddon(test);
    const task = program(test, "console.log('in the task');", doorOf(folder));
    const text = `
      const task = asynctcp.startTask(new URL('${pathToFileURL(task).href}'));
      const { systemThreadId, stackWords } = await task.started;
      console.log(systemThreadId, stackWords.effective);
      await task.ended;`;
    const report = await quietOutput(start(test, process.execPath, [program(test, text, doorOf(folder))]));
    assert.deepEqual(report.trim().split('\n').sort(), ['in the task', 'undefined 131072']);
  });

  it('core and priority that are asked for cost one warning with the reason', async (test) => {
    const file = program(test, ECHO, doorOf(withoutAddon(test)));
    const env = { CONFIG_ASYNC_TCP_RUNNING_CORE: '0', CONFIG_ASYNC_TCP_TASK_PRIORITY: '2' };
    const running = start(test, process.execPath, [file], env);
    await echoes(test, running);
    assert.equal(
      running.stderr.text,
      `asynctcp: CONFIG_ASYNC_TCP_RUNNING_CORE=0 and CONFIG_ASYNC_TCP_TASK_PRIORITY=2 cannot be applied: ${REASON}\n${TOLD}`,
    );
  });

  it('the diagnostics tell what they can, and the measurement of the stack throws the reason', async (test) => {
    const text = `
      asynctcp.configure({ diagnostics: 1 });
      const { core, priority, stackWords } = asynctcp.diagnostics();
      console.log(JSON.stringify([core.effective, priority.effective, stackWords.effective > 0]));
      try { asynctcp.AsyncClient.getStackHighWaterMark(); } catch (error) { console.log(String(error)); }`;
    const file = program(test, text, doorOf(withoutAddon(test)));
    assert.equal(
      await quietOutput(start(test, process.execPath, [file])),
      `[-1,3,true]\nError: the stack cannot be measured: ${REASON}\n`,
    );
  });

  it('Node that may load no addons runs a task all the same', async (test) => {
    const running = startRun(test, ['-q', program(test, ECHO)], { NODE_OPTIONS: '--no-addons' });
    await echoes(test, running);
    assert.equal(
      running.stderr.text,
      told('Node was told not to load native addons; start it without --no-addons, or with --allow-addons.'),
    );
  });
});
