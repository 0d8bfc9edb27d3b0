/** `asynctcp run`: a program in a thread of its own behaves as it does with `node`. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Program } from './programs.js';
import {
  HANGS_MS,
  MAIN,
  program,
  SERVER,
  startRun,
  startWithInput,
  temporaryFolder,
  visit,
} from './programs/inline.js';

const SERVER_FILE = fileURLToPath(SERVER);
const PORT = /^port (\d+)$/;
const WITH_PANIC = ['-D', 'CONFIG_ESP_TASK_WDT_TIMEOUT_S=1', '-D', 'CONFIG_ESP_TASK_WDT_PANIC=1'];

/** Runs a program text. Resolves to its status and its output. */
async function outcome(
  test: TestContext,
  text: string,
  ...words: string[]
): Promise<[number | null, string]> {
  const running = startRun(test, ['-q', program(test, text), ...words]);
  const { status } = await running.ended;
  return [status, running.stdout.text + running.stderr.text];
}

describe('asynctcp run of TypeScript', { timeout: HANGS_MS }, () => {
  const runsIt = Boolean(Reflect.get(process.features, 'typescript'));
  const REFUSAL = new RegExp(
    '^asynctcp run: Node \\d+\\.\\d+\\.\\d+ does not run TypeScript \\(.+\\): ' +
      'Node 22\\.18, 23\\.6 and newer do by default; take one of them, or compile the program\n$',
  );

  for (const ending of ['ts', 'mts', 'cts']) {
    it(`runs program.${ending}, or says which Node can`, async (test) => {
      const file = join(temporaryFolder(test), `program.${ending}`);
      writeFileSync(file, "const text: string = 'ran'; console.log(text);\n");
      const running = startRun(test, ['-q', file]);
      const { status } = await running.ended;
      assert.deepEqual([status, running.stdout.text], runsIt ? [0, 'ran\n'] : [1, ''], running.stderr.text);
      if (!runsIt) assert.match(running.stderr.text, REFUSAL);
    });
  }

  it('leaves other errors as they are', async (test) => {
    const [status, printed] = await outcome(test, "await import('./there-is-none.ts');");
    assert.equal(status, 1);
    assert.match(printed, /^Uncaught Error.*: Cannot find module /);
  });
});

describe('asynctcp run gives the program', { concurrency: true, timeout: HANGS_MS }, () => {
  it('its arguments, also those that look like options of the command', async (test) => {
    const file = program(test, 'console.log(JSON.stringify(process.argv.slice(1)));');
    const words = ['--foo', '-D', 'CONFIG_ASYNC_TCP_TYPO=1', '--help', '--', '-q', ''];
    const running = startRun(test, ['-q', file, ...words]);
    assert.equal((await running.ended).status, 0, running.stderr.text);
    assert.deepEqual(JSON.parse(running.stdout.text), [file, ...words]);
    assert.equal(running.stderr.text, '');
  });

  it('no argument where there is none', async (test) => {
    assert.deepEqual(await outcome(test, 'console.log(process.argv.length);'), [0, '2\n']);
  });

  const READS = `
    let text = '';
    for await (const piece of process.stdin.setEncoding('utf8')) text += piece;
    console.log(text.length, text.slice(0, 10));`;

  it('its standard input: a pipe', async (test) => {
    const running = startRun(test, ['-q', program(test, READS)]);
    running.endInput('0123456789'.repeat(100_000));
    assert.equal((await running.ended).status, 0, running.stderr.text);
    assert.equal(running.stdout.text, '1000000 0123456789\n');
  });

  it('its standard input: a file', async (test) => {
    const file = join(temporaryFolder(test), 'input');
    writeFileSync(file, '0123456789'.repeat(100_000));
    const running = startWithInput(test, `<'${file}'`, [MAIN, 'run', '-q', program(test, READS)]);
    assert.equal((await running.ended).status, 0, running.stderr.text);
    assert.equal(running.stdout.text, '1000000 0123456789\n');
  });

  it('its standard input: /dev/null', async (test) => {
    const running = startWithInput(test, '</dev/null', [MAIN, 'run', '-q', program(test, READS)]);
    assert.equal((await running.ended).status, 0, running.stderr.text);
    assert.equal(running.stdout.text, '0 \n');
  });

  it('its standard input: none', async (test) => {
    const running = startWithInput(test, '<&-', [MAIN, 'run', '-q', program(test, READS)]);
    assert.equal((await running.ended).status, 0, running.stderr.text);
    assert.equal(running.stdout.text, '0 \n');
  });

  it('its end although the input that it does not read stays open', async (test) => {
    assert.deepEqual(await outcome(test, 'console.log("done");'), [0, 'done\n']);
  });
});

describe('the status of asynctcp run', { concurrency: true, timeout: HANGS_MS }, () => {
  const endings: [text: string, status: number][] = [
    ['', 0],
    ['process.exit(0);', 0],
    ['process.exit(7);', 7],
    ['setTimeout(() => process.exit(7), 1);', 7],
    ['process.exitCode = 9;', 9],
    ['setTimeout(() => { process.exitCode = 9; }, 1);', 9],
  ];
  for (const [text, status] of endings) {
    it(`is the program's: ${text}`, async (test) => {
      assert.deepEqual(await outcome(test, text), [status, '']);
    });
  }

  const failures: [text: string, printed: RegExp][] = [
    ["function work() { throw new RangeError('broken'); }\nwork();", /RangeError.*: broken\n {4}at work \(/],
    ["setTimeout(function late() { throw new Error('broken'); }, 1);", /Error: broken\n {4}at .*\.late /],
    ["Promise.reject(new Error('nobody listens'));", /Error: nobody listens\n {4}at /],
    ["throw 'a text';", /a text/],
    ['throw undefined;', /undefined/],
    ["await import('./nowhere.mjs');", /ERR_MODULE_NOT_FOUND/],
    ['const = 1;', /SyntaxError/],
  ];
  for (const [text, printed] of failures) {
    it(`is 1 for an uncaught error, which is printed: ${text}`, async (test) => {
      const [status, output] = await outcome(test, text);
      assert.equal(status, 1, output);
      assert.match(output, printed);
    });
  }

  it('loses nothing of what the program printed before it exited', async (test) => {
    const [status, output] = await outcome(test, "console.log('x'.repeat(300_000)); process.exit(3);");
    assert.deepEqual([status, output.length], [3, 300_001]);
  });
});

describe('asynctcp run ends', { concurrency: true, timeout: HANGS_MS }, () => {
  const WAITS = 'setInterval(() => undefined, 1000);\nconsole.log("waits");';

  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    it(`by ${signal} with status ${status} where the program does not listen to it`, async (test) => {
      const running = startRun(test, [program(test, WAITS)]);
      await running.stdout.line(/^waits$/);
      process.kill(running.pid, signal);
      assert.deepEqual(await running.ended, { status, signal: null });
    });

    it(`as the program wants that listens to ${signal}`, async (test) => {
      const text = `process.on('${signal}', (name) => { console.log(name); process.exit(5); });\n${WAITS}`;
      const running = startRun(test, [program(test, text)]);
      await running.stdout.line(/^waits$/);
      process.kill(running.pid, signal);
      assert.deepEqual(await running.ended, { status: 5, signal: null });
      assert.equal(running.stdout.text, `waits\n${signal}\n`);
    });
  }

  it('by a second Ctrl-C where the program ignores the first', async (test) => {
    const text = `process.on('SIGINT', () => { console.log('ignored'); });\n${WAITS}`;
    const running = startRun(test, [program(test, text)]);
    await running.stdout.line(/^waits$/);
    process.kill(running.pid, 'SIGINT');
    await running.stdout.line(/^ignored$/);
    assert.deepEqual(await running.interrupt(), { status: 130, signal: null });
  });

  it('by a second signal while a callback blocks', async (test) => {
    const running = startRun(test, [SERVER_FILE]);
    const visitor = await visit(test, await running.stdout.number(PORT));
    visitor.socket.write('block');
    await running.stdout.line(/^blocks$/);
    // Two different signals: a signal that is pending already would be lost.
    process.kill(running.pid, 'SIGINT');
    process.kill(running.pid, 'SIGTERM');
    assert.deepEqual(await running.ended, { status: 143, signal: null });
  });

  it('by itself when the program has dropped its server', async (test) => {
    const running = startRun(test, [SERVER_FILE]);
    const visitor = await visit(test, await running.stdout.number(PORT));
    visitor.socket.write('drop');
    assert.equal(await visitor.ended, 'end');
    assert.deepEqual(await running.ended, { status: 0, signal: null });
  });
});

// ---- the configuration

describe('asynctcp run prints', { concurrency: true, timeout: HANGS_MS }, () => {
  async function told(test: TestContext, words: string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
    const running = startRun(test, [...words, program(test, '')], env);
    assert.equal((await running.ended).status, 0, running.stderr.text);
    return running.stderr.text;
  }

  it('in one line on which core, at which priority and with which stack the task runs', async (test) => {
    assert.equal(
      await told(test, []),
      'asynctcp: the async task runs on any core at priority 3 (nice 0) with a stack of 131072 words (8192 asked for)\n',
    );
    const words = ['RUNNING_CORE=0', 'TASK_PRIORITY=2', 'TASK_STACK_SIZE=262144'];
    assert.equal(
      await told(
        test,
        words.flatMap((word) => ['-D', `CONFIG_ASYNC_TCP_${word}`]),
      ),
      'asynctcp: the async task runs on core 0 at priority 2 (nice 6) with a stack of 262144 words\n',
    );
  });

  it('nothing with --quiet', async (test) => {
    assert.equal(await told(test, ['--quiet']), '');
    assert.equal(await told(test, ['-q']), '');
  });

  it('what an environment variable configures, over which -D wins', async (test) => {
    const env = { CONFIG_ASYNC_TCP_TASK_PRIORITY: '1' };
    assert.match(await told(test, [], env), / at priority 1 \(nice 13\) /);
    const text = await told(test, ['-D', 'CONFIG_ASYNC_TCP_TASK_PRIORITY=2'], env);
    assert.match(text, / at priority 2 \(nice 6\) /);
  });

  it('in one warning that the machine lacks a core, with the remedy, and runs the program', async (test) => {
    const file = program(test, "new asynctcp.AsyncServer('127.0.0.1', 0); console.log('runs');");
    const running = startRun(test, ['-q', '-D', 'CONFIG_ASYNC_TCP_RUNNING_CORE=1023', file]);
    assert.equal((await running.ended).status, 0, running.stderr.text);
    assert.equal(running.stdout.text, 'runs\n');
    assert.match(
      running.stderr.text,
      /^asynctcp: CONFIG_ASYNC_TCP_RUNNING_CORE=1023 cannot be applied \(EINVAL\): .*choose one of them.*\n$/,
    );
  });
});

describe(
  'a mistake costs asynctcp run one line and status 2',
  { concurrency: true, timeout: HANGS_MS },
  () => {
    const mistakes: [what: string, words: string[], named: string, env?: NodeJS.ProcessEnv][] = [
      ['no program', [], 'PROGRAM is missing'],
      ['no program behind options', ['-q', '--'], 'PROGRAM is missing'],
      ['a missing program', ['nowhere.js', 'a'], '"nowhere.js"'],
      ['a folder', ['/'], '"/" is a folder'],
      ['an unknown option', ['--nope', SERVER_FILE], '--nope'],
      [
        'an unknown symbol',
        ['-D', 'CONFIG_ASYNC_TCP_RUNING_CORE=1', SERVER_FILE],
        'CONFIG_ASYNC_TCP_RUNNING_CORE',
      ],
      ['a core below the range', ['-D', 'CONFIG_ASYNC_TCP_RUNNING_CORE=-2', SERVER_FILE], '-1 to 1023'],
      ['a core above the range', ['-D', 'CONFIG_ASYNC_TCP_RUNNING_CORE=1024', SERVER_FILE], '-1 to 1023'],
      ['a priority above', ['-D', 'CONFIG_ASYNC_TCP_TASK_PRIORITY=25', SERVER_FILE], '0 to 24'],
      ['no number', ['-D', 'CONFIG_ESP_TASK_WDT_PANIC=yes', SERVER_FILE], '"yes"'],
      ['a variable out of range', [SERVER_FILE], '1 to 3600', { CONFIG_ESP_TASK_WDT_TIMEOUT_S: '0' }],
    ];
    for (const [what, words, named, env] of mistakes) {
      it(what, async (test) => {
        const running = startRun(test, words, env);
        assert.equal((await running.ended).status, 2, running.stderr.text);
        assert.match(running.stderr.text, /^asynctcp run: [^\n]*\("asynctcp run --help" tells more\)\n$/);
        assert.ok(running.stderr.text.includes(named), running.stderr.text);
        assert.equal(running.stdout.text, '');
      });
    }
  },
);

// ---- the watchdog

/** Blocks the server forever, twice, waits for its restart each time, then ends it. */
async function panics(test: TestContext, running: Program): Promise<void> {
  for (let restarts = 1; restarts <= 2; restarts += 1) {
    const port = await running.stdout.number(PORT);
    const visitors = [await visit(test, port), await visit(test, port)];
    visitors[0]?.socket.write('block');
    for (const { ended } of visitors) assert.equal(await ended, 'ECONNRESET');
    await running.stderr.line(new RegExp(`^asynctcp: the task is started anew, restart ${restarts}, `));
  }
  const visitor = await visit(test, await running.stdout.number(PORT));
  visitor.socket.write('drop');
  assert.deepEqual(await running.ended, { status: 0, signal: null });
}

/** One test at a time: on a busy machine the watchdog has too little time to stop the thread. */
describe('asynctcp run and a callback that blocks', { concurrency: false, timeout: HANGS_MS }, () => {
  for (const [what, redirection] of [
    ['no standard input', '<&-'],
    ['an empty one', '</dev/null'],
  ] as const) {
    it(`resets the connections and starts the program anew, with ${what}`, async (test) => {
      const words = [MAIN, 'run', '-q', ...WITH_PANIC, SERVER_FILE];
      const running = startWithInput(test, redirection, words);
      await panics(test, running);
      const [report = ''] = running.stderr.text.split('asynctcp: the task is started anew');
      assert.match(report, /Task watchdog got triggered.* has been in one callback for [1-9]/);
      assert.match(report, /\n {2}handler {2}onData, which may take 1 s /);
      assert.match(
        report,
        /\n {2}client {3}127\.0\.0\.1:\d+ \(here 127\.0\.0\.1:\d+\), Established, 6 bytes in/,
      );
      assert.match(report, /\n {4}at spinning \(.*\/test\/e2e\/programs\/server\.ts:1[4-6]:\d+\)\n/);
      // On a busy machine the stack trace follows later.
      assert.match(report, /\n {2}The task is ended \(CONFIG_ESP_TASK_WDT_PANIC\)\.\n/);
    });
  }

  it('ends by Ctrl-C while the task waits to be started anew', async (test) => {
    const running = startRun(test, ['-q', ...WITH_PANIC, SERVER_FILE]);
    const visitor = await visit(test, await running.stdout.number(PORT));
    visitor.socket.write('block');
    assert.equal(await visitor.ended, 'ECONNRESET');
    // The first signal ends the process if the thread is over by then, otherwise the second one does.
    process.kill(running.pid, 'SIGINT');
    process.kill(running.pid, 'SIGTERM');
    const { status, signal } = await running.ended;
    assert.equal(signal, null, running.stderr.text);
    assert.ok(status === 130 || status === 143, `status ${String(status)}`);
    assert.doesNotMatch(running.stderr.text, /started anew/);
  });
});
