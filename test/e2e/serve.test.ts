/** `asynctcp serve` as its users run it: a process, a terminal, and foreign peers (nc and Python). */
import { SYMBOLS } from '#src/asynctcp/configuration.js';
import { HELP_OPTION } from '#src/cli/command.js';
import { serve } from '#src/cli/serve.js';
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { start, startNode, startPeer, startPython, unlessInstalled, type Program } from './programs.js';
import { memoryBytes } from '../support/process-memory.js';
import { HANGS_MS } from './programs/inline.js';

const MAIN = new URL('../../../dist/cli/main.js', import.meta.url);

type ServiceName = 'echo' | 'discard' | 'daytime' | 'chargen';

interface Serving {
  readonly program: Program;
  readonly ports: Readonly<Record<ServiceName, number>>;
}

async function portsOf(program: Program): Promise<Serving['ports']> {
  const port = (name: ServiceName): Promise<number> =>
    program.stdout.number(new RegExp(`^  ${name} +([0-9]+)  `));
  const [echo, discard] = [await port('echo'), await port('discard')];
  return { echo, discard, daytime: await port('daytime'), chargen: await port('chargen') };
}

/** The dashboard has tests of its own, in dashboard.test.ts. */
const NO_DASHBOARD = ['--dashboard', 'off'];

async function startServe(test: TestContext, ...args: string[]): Promise<Serving> {
  const program = startNode(test, MAIN, ['serve', '--port-base', '0', ...NO_DASHBOARD, ...args]);
  return { program, ports: await portsOf(program) };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

const WITH_NC = { skip: unlessInstalled('nc') };
const WITH_PYTHON = { skip: unlessInstalled('python3') };

describe('asynctcp serve and nc', { concurrency: true, timeout: HANGS_MS }, () => {
  it('echo answers what is piped into nc', WITH_NC, async (test) => {
    const { ports } = await startServe(test);
    const nc = startPeer(test, 'nc', '-q1', '127.0.0.1', String(ports.echo));
    nc.endInput('hi');
    assert.equal(await nc.output(), 'hi');
  });

  it('echo gives a file of 20 MB back, byte by byte', WITH_NC, async (test) => {
    const folder = mkdtempSync(join(tmpdir(), 'asynctcp-'));
    test.after(() => {
      rmSync(folder, { recursive: true });
    });
    const [sent, received] = [join(folder, 'sent'), join(folder, 'received')];
    writeFileSync(sent, randomBytes(20_000_000));
    const { program, ports } = await startServe(test);
    const script = 'exec nc -N 127.0.0.1 "$1" < "$2" > "$3"';
    await start(test, 'sh', ['-c', script, 'sh', String(ports.echo), sent, received]).output();
    assert.equal(sha256(readFileSync(received)), sha256(readFileSync(sent)));
    assert.deepEqual(await program.interrupt(), { status: 0, signal: null });
    assert.match(program.stdout.text, /\nEnded; served 1 connection, 20\.0 MB in, 20\.0 MB out\.\n$/);
  });

  it('discard takes everything and answers nothing', WITH_NC, async (test) => {
    const { program, ports } = await startServe(test);
    const nc = startPeer(test, 'nc', '-N', '127.0.0.1', String(ports.discard));
    nc.endInput('x'.repeat(1_000_000));
    assert.equal(await nc.output(), '');
    await program.interrupt();
    assert.match(program.stdout.text, /\nEnded; served 1 connection, 1\.00 MB in, 0 B out\.\n$/);
  });

  it('daytime sends the time and closes', WITH_NC, async (test) => {
    const { ports } = await startServe(test);
    const answer = await startPeer(test, 'nc', '-d', '127.0.0.1', String(ports.daytime)).output();
    assert.match(answer, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [+-]\d\d:\d\d\r\n$/);
    assert.ok(Math.abs(Date.parse(answer) - Date.now()) < 2 * HANGS_MS, answer);
  });

  it('chargen sends its pattern until the reader goes away, which is no fault', WITH_NC, async (test) => {
    const { program, ports } = await startServe(test);
    const script = 'nc -d 127.0.0.1 "$1" | head -n 200';
    const text = await start(test, 'sh', ['-c', script, 'sh', String(ports.chargen)]).output();
    const lines = text.split('\r\n').slice(0, -1);
    assert.equal(lines.length, 200);
    lines.forEach((line, index) => {
      const expected = Array.from({ length: 72 }, (_, column) => 0x20 + ((index + column) % 95));
      assert.equal(line, String.fromCharCode(...expected));
    });
    assert.deepEqual(await program.interrupt(), { status: 0, signal: null });
    assert.equal(program.stderr.text, '');
  });
});

// ---- peers in Python

/** Sends without reading until nothing is taken for a second, then reads while it sends, and compares. */
const PYTHON_HOLD = `
import hashlib, os, select, socket, sys
peer = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
peer.setblocking(False)
block = os.urandom(1_000_003)
sent, received = hashlib.sha256(), hashlib.sha256()
sent_bytes = 0

def send():
    global sent_bytes
    at = sent_bytes % len(block)
    piece = block[at:at + peer.send(block[at:at + 65536])]
    sent.update(piece)
    sent_bytes += len(piece)

while sent_bytes < 256_000_000 and select.select([], [peer], [], 1)[1]:
    send()
print('held after', sent_bytes)
end = sent_bytes + 5_000_000
while True:
    readable, writable, _ = select.select([peer], [peer] if sent_bytes < end else [], [])
    if writable:
        send()
        if sent_bytes >= end:
            peer.shutdown(socket.SHUT_WR)
    if readable:
        piece = peer.recv(65536)
        if not piece:
            break
        received.update(piece)
print('the same' if sent.digest() == received.digest() else 'different')
`;

/** Sends FIN at once on each service, and prints what it still receives and how the connection ends. */
const PYTHON_HALF_CLOSE = `
import socket, sys
for port in sys.argv[1:]:
    peer = socket.create_connection(('127.0.0.1', int(port)))
    peer.sendall(b'some bytes')
    peer.shutdown(socket.SHUT_WR)
    answer = b''
    while piece := peer.recv(65536):
        answer += piece
    print(answer[:10])
`;

/** Eight peers that never read, and one that reads 200 MB, for at least four polls. */
const PYTHON_STALLED = `
import socket, sys, time
def connect():
    peer = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
    assert peer.recv(1, socket.MSG_PEEK) == b' '
    return peer
stalled = [connect() for _ in range(8)]
print('stalled')
reader, end, count = connect(), time.monotonic() + 2, 0
while count < 200_000_000 or time.monotonic() < end:
    count += len(reader.recv(1 << 20))
print('read', count)
sys.stdin.read()
`;

describe('asynctcp serve and peers of other manners', { concurrency: true, timeout: HANGS_MS }, () => {
  it('echo holds a peer that sends without reading, and loses nothing', WITH_PYTHON, async (test) => {
    const { ports } = await startServe(test);
    const peer = startPython(test, PYTHON_HOLD, String(ports.echo));
    assert.ok((await peer.stdout.number(/^held after (\d+)$/)) < 256_000_000, 'the peer is held');
    await peer.stdout.line(/^the same$/);
  });

  it('each service answers a peer that has ended its side, and ends', WITH_PYTHON, async (test) => {
    const { ports } = await startServe(test);
    const { echo, discard, daytime, chargen } = ports;
    const peer = startPython(test, PYTHON_HALF_CLOSE, ...[echo, discard, daytime, chargen].map(String));
    const [ofEcho, ofDiscard, ofDaytime, ofChargen] = (await peer.output()).split('\n');
    assert.equal(ofEcho, "b'some bytes'");
    assert.equal(ofDiscard, "b''");
    assert.match(ofDaytime ?? '', /^b'\d{4}-\d\d-\d\d'$/);
    assert.equal(ofChargen, "b' !\"#$%&\\'()'");
  });

  const onLinux = existsSync('/proc/self/status') ? WITH_PYTHON : { skip: 'no /proc on this system' };
  it('chargen readers that stop do not make the process grow', onLinux, async (test) => {
    const { program, ports } = await startServe(test);
    const peer = startPython(test, PYTHON_STALLED, String(ports.chargen));
    await peer.stdout.line(/^stalled$/);
    const before = memoryBytes('VmRSS', program.pid);
    await peer.stdout.line(/^read /);
    const growth = memoryBytes('VmRSS', program.pid) - before;
    assert.ok(growth < 48_000_000, `the process grew by ${growth} bytes`);
  });
});

// ---- the end

/** Receives an echo of 100 kB, then does nothing, and prints how the connection ends. */
const PYTHON_IDLE = `
import socket, sys
peer = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
peer.sendall(b'x' * 100_000)
peer.recv(100_000, socket.MSG_WAITALL)
print('connected')
try:
    print('end' if peer.recv(1) == b'' else 'data')
except ConnectionResetError:
    print('reset')
`;

/**
 * A chargen peer that does not read. When another one has read 50 MB, the kernel takes no more bytes for this
 * one. At the end of its input it reads to the end.
 */
const PYTHON_DEAF = `
import socket, sys
peer = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
peer.recv(1, socket.MSG_PEEK)
with socket.create_connection(('127.0.0.1', int(sys.argv[1]))) as other:
    other.recv(50_000_000, socket.MSG_WAITALL)
    other.shutdown(socket.SHUT_WR)
    while other.recv(1 << 20):
        pass
print('connected')
sys.stdin.read()
try:
    while peer.recv(65536):
        pass
    print('end')
except ConnectionResetError:
    print('reset')
`;

describe('asynctcp serve ends', { concurrency: true, timeout: HANGS_MS }, () => {
  it('by Ctrl-C with status 0, and an idle connection in order', WITH_PYTHON, async (test) => {
    const { program, ports } = await startServe(test);
    const peer = startPython(test, PYTHON_IDLE, String(ports.echo));
    await peer.stdout.line(/^connected$/);
    assert.deepEqual(await program.interrupt(), { status: 0, signal: null });
    assert.match(program.stdout.text, /\nClosing 1 connection, .*\nEnded; served 1 connection, .*\n$/);
    await peer.stdout.line(/^end$/);
  });

  it('by SIGTERM just so', async (test) => {
    const { program } = await startServe(test);
    process.kill(program.pid, 'SIGTERM');
    assert.deepEqual(await program.ended, { status: 0, signal: null });
    assert.match(program.stdout.text, /\n\nEnded; served 0 connections, 0 B in, 0 B out\.\n$/);
  });

  it('by Ctrl-C after 5 s at most with a reader that never reads, and says so', WITH_PYTHON, async (test) => {
    const { program, ports } = await startServe(test);
    const peer = startPython(test, PYTHON_DEAF, String(ports.chargen));
    await peer.stdout.line(/^connected$/);
    assert.deepEqual(await program.interrupt(), { status: 0, signal: null });
    assert.match(program.stdout.text, /\nEnded, 1 connection aborted after 5 s; served 2 connections, /);
    peer.endInput();
    await peer.stdout.line(/^reset$/);
  });

  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    it(`at once with status ${status} by ${signal} after Ctrl-C`, WITH_PYTHON, async (test) => {
      const { program, ports } = await startServe(test);
      const peer = startPython(test, PYTHON_DEAF, String(ports.chargen));
      await peer.stdout.line(/^connected$/);
      process.kill(program.pid, 'SIGINT');
      await program.stdout.line(/^Closing [12] connections?, for at most 5 s/);
      process.kill(program.pid, signal);
      assert.deepEqual(await program.ended, { status, signal: null });
      assert.match(program.stdout.text, /\nEnded, 1 connection aborted; served /);
      peer.endInput();
      await peer.stdout.line(/^reset$/);
    });
  }
});

// ---- addresses and ports

async function listen(test: TestContext, port: number): Promise<Server | undefined> {
  const server = createServer();
  test.after(() => server.close());
  return new Promise((resolve) => {
    server.on('error', () => {
      resolve(undefined);
    });
    server.listen(port, '127.0.0.1', () => {
      resolve(server);
    });
  });
}

const OFFSETS = [7, 9, 13, 19];

/** Resolves to a base of free ports, below the range from which systems choose ports. */
async function freePortBase(test: TestContext): Promise<number> {
  const first = 10_000 + (process.pid % 20_000);
  for (let base = first; base < first + 2000; base += 20) {
    const servers = await Promise.all(OFFSETS.map((offset) => listen(test, base + offset)));
    await Promise.all(
      servers.map((server) => new Promise((resolve) => (server ? server.close(resolve) : resolve(0)))),
    );
    if (!servers.includes(undefined)) return base;
  }
  throw new Error('no free ports');
}

describe('asynctcp serve listens', { concurrency: false, timeout: HANGS_MS }, () => {
  it('on the port base plus the number of each service, and says how to try it', async (test) => {
    const base = await freePortBase(test);
    const program = startNode(test, MAIN, ['serve', '--port-base', String(base), ...NO_DASHBOARD]);
    const { echo, discard, daytime, chargen } = await portsOf(program);
    assert.deepEqual(
      [echo, discard, daytime, chargen],
      OFFSETS.map((offset) => base + offset),
    );
    await program.interrupt();
    const { text } = program.stdout;
    assert.match(text, /^Listening on 127\.0\.0\.1; only this machine can connect\. Ctrl-C ends\.\n/);
    assert.match(text, new RegExp(`\n  echo +${echo}  printf hi \\| nc -q1 127\\.0\\.0\\.1 ${echo}\n`));
    assert.ok(!text.includes('\x1b'), 'no live line on a pipe');
  });

  it('on the given address, and says when it is open to others', async (test) => {
    const { program } = await startServe(test, '--host', '0.0.0.0');
    await program.interrupt();
    assert.match(program.stdout.text, /^Listening on 0\.0\.0\.0; other machines can connect\./);
    assert.match(program.stdout.text, /nc -q1 127\.0\.0\.1 \d+\n/);
  });

  it('nowhere when one port is taken; one line names service, address, port and remedy', async (test) => {
    const base = await freePortBase(test);
    await listen(test, base + 13);
    const program = startNode(test, MAIN, ['serve', '--port-base', String(base), ...NO_DASHBOARD]);
    assert.deepEqual(await program.ended, { status: 1, signal: null });
    assert.equal(program.stdout.text, '');
    assert.equal(
      program.stderr.text,
      `asynctcp serve: daytime cannot listen on 127.0.0.1 port ${base + 13}: the port is taken; ` +
        '--port-base N chooses others, --port-base 0 free ones\n',
    );
  });

  it('nowhere on an address of another machine (RFC 5737)', async (test) => {
    const program = startNode(test, MAIN, ['serve', '--host', '192.0.2.1', ...NO_DASHBOARD]);
    assert.deepEqual(await program.ended, { status: 1, signal: null });
    assert.match(program.stderr.text, /^asynctcp serve: echo cannot listen on 192\.0\.2\.1 .*--host.*\n$/);
  });
});

// ---- the command line

type Outcome = [status: number | null, stdout: string, stderr: string];

async function run(
  test: TestContext,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Outcome> {
  const program = startNode(test, MAIN, args, env);
  const { status } = await program.ended;
  return [status, program.stdout.text, program.stderr.text];
}

describe('the command line', { concurrency: true, timeout: HANGS_MS }, () => {
  const mistakes: [line: string, named: string, variables?: Record<string, string>][] = [
    ['sreve', '"sreve"'],
    ['--nope', '--nope'],
    ['help nope', '"nope"'],
    ['help serve serve', 'one command'],
    ['serve --nope', '--nope'],
    ['serve file', "'file'"],
    ['serve --port-base', '--port-base'],
    ['serve --port-base=', '--port-base'],
    ['serve --port-base 7k', '"7k"'],
    ['serve --port-base -1', '--port-base'],
    ['serve --port-base=-1', '"-1"'],
    ['serve --port-base 65456', '65455'],
    ['serve --host localhost', '"localhost"'],
    ['serve --host 127.0.0.256', '"127.0.0.256"'],
    ['serve --stack carrier-pigeon', '"carrier-pigeon"'],
    ['serve --help=yes', '--help'],
    ['serve -D', '--define'],
    ['serve -D CONFIG_ASYNC_TCP_STACKS=node', 'CONFIG_ASYNC_TCP_STACKS'],
    ['serve -D CONFIG_LWIP_TCP_MSS', 'CONFIG_LWIP_TCP_MSS'],
    ['serve -D CONFIG_LWIP_TCP_MSS=1', '536'],
    ['serve -DCONFIG_LWIP_TCP_MSS=many', '"many"'],
    ['serve -D two\nlines=1', 'two lines'],
    ['serve', 'CONFIG_ASYNC_TCP_TYPO', { CONFIG_ASYNC_TCP_TYPO: '1' }],
    ['serve', '"-5"', { CONFIG_LWIP_TCP_WND_DEFAULT: '-5' }],
  ];
  for (const [line, named, variables] of mistakes) {
    const label = `${JSON.stringify(line)}${variables === undefined ? '' : ` with ${JSON.stringify(variables)}`}`;
    it(`${label} costs status 2 and one line`, async (test) => {
      const [status, stdout, stderr] = await run(test, line.split(' '), variables);
      assert.equal(status, 2, stderr);
      assert.equal(stdout, '');
      assert.match(stderr, /^asynctcp[^\n]*\n$/);
      assert.ok(stderr.includes(named.replaceAll('"-5"', '-5')), stderr);
    });
  }

  it('without a command it gets the help, on the channel for errors', async (test) => {
    const [status, stdout, stderr] = await run(test, []);
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, /^Usage: asynctcp COMMAND/);
  });

  it('--version prints the version of the package', async (test) => {
    const description = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
    const { version } = JSON.parse(description) as { version: string };
    assert.deepEqual(await run(test, ['--version']), [0, `${version}\n`, '']);
  });

  it('asynctcp --help, -h and help list the commands', async (test) => {
    const [status, stdout, stderr] = await run(test, ['--help']);
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /\n {2}serve {2}/);
    assert.deepEqual(await run(test, ['-h']), [0, stdout, '']);
    assert.deepEqual(await run(test, ['help']), [0, stdout, '']);
  });

  it('the help of serve has every option, configuration symbol, service and exit status', async (test) => {
    const [status, stdout, stderr] = await run(test, ['help', 'serve']);
    assert.deepEqual([status, stderr], [0, '']);
    assert.deepEqual(await run(test, ['serve', '--help']), [0, stdout, '']);
    assert.deepEqual(await run(test, ['serve', '-h']), [0, stdout, '']);
    for (const { name, short, value } of [...serve.options, HELP_OPTION]) {
      const long = `--${name}${value === undefined ? '' : ` ${value}`}`;
      assert.ok(stdout.includes(short === undefined ? `\n  ${long}` : `\n  -${short}, ${long}`), long);
    }
    const unwrapped = stdout.replaceAll(/\s+/g, ' ');
    for (const { symbol, meaning } of SYMBOLS) assert.ok(unwrapped.includes(` ${symbol} ${meaning}`), symbol);
    for (const service of ['echo 7007', 'discard 7009', 'daytime 7013', 'chargen 7019']) {
      assert.ok(stdout.includes(`\n  ${service} `), service);
    }
    for (const named of ['0', '1', '2', '130, 143']) assert.match(stdout, new RegExp(`\n  ${named}  +[a-z]`));
    for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line);
  });
});

// ---- on a terminal

/** Printed by PYTHON_TERMINAL for the escape sequence that erases the live line. */
const ERASED = '<erased>';

/**
 * Runs a program on a pseudo-terminal, forwards its own input, and prints the program's output with each
 * erased line on a new line. Then prints the exit status.
 */
const PYTHON_TERMINAL = `
import fcntl, os, pty, re, struct, sys, termios, threading
columns, os.environ['TERM'], *command = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack('HHHH', 24, int(columns), 0, 0))
    os.execv(command[0], command)

def pass_on():
    while typed := os.read(0, 100):
        os.write(terminal, typed)
threading.Thread(target=pass_on, daemon=True).start()

rest = b''
try:
    while piece := os.read(terminal, 4096):
        rest += piece
        # What may be the beginning of more waits for it.
        whole = len(rest) - len(re.search(rb'(\\r(\\x1b(\\[2?)?)?)?\\Z', rest).group())
        text, rest = rest[:whole], rest[whole:]
        text = text.replace(b'\\r\\x1b[2K', b'\\n${ERASED}').replace(b'\\r\\n', b'\\n')
        sys.stdout.write(text.decode(errors='replace'))
except OSError:
    pass
_, status = os.waitpid(pid, 0)
print('\\nstatus', os.waitstatus_to_exitcode(status))
`;

async function startOnTerminal(test: TestContext, columns: number, term = 'xterm'): Promise<Serving> {
  const command = [process.execPath, fileURLToPath(MAIN), 'serve', '--port-base', '0', ...NO_DASHBOARD];
  const program = startPython(test, PYTHON_TERMINAL, String(columns), term, ...command);
  return { program, ports: await portsOf(program) };
}

const CTRL_C = '\x03';
describe('asynctcp serve on a terminal', { concurrency: true, timeout: HANGS_MS }, () => {
  it(
    'keeps a line that tells connections and rates, and takes it away at Ctrl-C',
    WITH_PYTHON,
    async (test) => {
      const { program, ports } = await startOnTerminal(test, 100);
      await program.stdout.line(/^<erased>0 connections, 0 B\/s in, 0 B\/s out$/);
      const peer = startPython(test, PYTHON_IDLE, String(ports.echo));
      await peer.stdout.line(/^connected$/);
      await program.stdout.line(/^<erased>1 connection, [1-9][0-9.]* k?B\/s in, /);
      await program.stdout.line(/^<erased>1 connection, 0 B\/s in, 0 B\/s out$/);
      program.type(CTRL_C);
      await program.stdout.line(/^status 0$/);
      const [, afterwards] = program.stdout.text.split('^C');
      assert.match(
        afterwards ?? '',
        /^\n<erased>Closing 1 connection, [^<]*\nEnded; served 1 connection, 100 kB in, 100 kB out\.\n[^<]*$/,
      );
    },
  );

  it('does not let the line wrap on a narrow terminal', WITH_PYTHON, async (test) => {
    const { program } = await startOnTerminal(test, 20);
    await program.stdout.line(/^<erased>0 connections, 0 B\/$/);
    program.type(CTRL_C);
    await program.stdout.line(/^status 0$/);
  });

  it('draws nothing on a terminal that cannot erase', WITH_PYTHON, async (test) => {
    const { program } = await startOnTerminal(test, 100, 'dumb');
    program.type(CTRL_C);
    await program.stdout.line(/^status 0$/);
    assert.ok(!program.stdout.text.includes(ERASED), program.stdout.text);
  });
});
