/** Each example program with a foreign peer: it does what its first comment says, and ends correctly. */
import assert from 'node:assert/strict';
import { lookup } from 'node:dns/promises';
import { hostname } from 'node:os';
import { describe, it, type TestContext } from 'node:test';
import { startNode, startPeer, startPython, unlessInstalled, type Program } from './programs.js';
import { memoryBytes } from '../support/process-memory.js';
import { HANGS_MS } from './programs/inline.js';

function exampleFile(name: string): URL {
  return new URL(`../../examples/${name}.js`, import.meta.url);
}

function startExample(test: TestContext, name: string, ...args: (string | number)[]): Program {
  return startNode(test, exampleFile(name), args.map(String));
}

/** Listens on a free port and prints it. */
const PYTHON_LISTENER = `
import socket, sys
listener = socket.create_server(('127.0.0.1', 0))
print('listening on port', listener.getsockname()[1])
`;

describe('the example echo', { concurrency: true, timeout: HANGS_MS }, () => {
  const FLOOD_LIMIT = 256_000_000;

  /**
   * Writes without reading, twice, until nothing is taken for a second; a slow machine can only make that end
   * too early. In between it reads half. At the end it sends FIN while most of the echo is still to come.
   */
  const PYTHON_FLOOD = `
import hashlib, os, select, socket, sys
port, limit = map(int, sys.argv[1:])
peer = socket.create_connection(('127.0.0.1', port))
block = os.urandom(1_000_003)
sent, received = hashlib.sha256(), hashlib.sha256()
sent_bytes = received_bytes = 0

def flood():
    global sent_bytes
    peer.setblocking(False)
    while sent_bytes < limit and select.select([], [peer], [], 1)[1]:
        start = sent_bytes % len(block)
        piece = block[start:start + peer.send(block[start:start + 65536])]
        sent.update(piece)
        sent_bytes += len(piece)
    peer.setblocking(True)

def receive():
    global received_bytes
    data = peer.recv(65536)
    received.update(data)
    received_bytes += len(data)
    return len(data) > 0

flood()
unread = sent_bytes
print('written without reading:', unread)
while received_bytes < unread // 2 and receive():
    pass
flood()
print('written after reading half:', sent_bytes - unread)
peer.shutdown(socket.SHUT_WR)
while receive():
    pass
same = sent.digest() == received.digest()
print(f'came back: {received_bytes} of {sent_bytes},', 'the same' if same else 'not the same')
`;

  it(
    'holds a peer back that writes without reading, and gives it every byte when it reads',
    { skip: unlessInstalled('python3') },
    async (test) => {
      const echo = startExample(test, 'echo', 0);
      const port = await echo.stdout.number(/^echo listens on 127\.0\.0\.1 port (\d+)$/);
      const peer = startPython(test, PYTHON_FLOOD, String(port), String(FLOOD_LIMIT));

      const unread = await peer.stdout.number(/^written without reading: (\d+)$/);
      assert.ok(unread < FLOOD_LIMIT, `the server took ${unread} bytes of a peer that reads none`);
      assert.notEqual(await peer.stdout.number(/^written after reading half: (\d+)$/), 0);
      const [, received, sent, verdict] = await peer.stdout.line(/^came back: (\d+) of (\d+), (.*)$/);
      assert.equal(received, sent);
      assert.equal(verdict, 'the same');
      assert.deepEqual(await echo.interrupt(), { status: 0, signal: null });
    },
  );

  it(
    'sends all that is still waiting when the peer ends its side',
    { skip: unlessInstalled('python3') },
    async (test) => {
      const script = `
import os, socket, sys
peer = socket.socket()
peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
peer.connect(('127.0.0.1', int(sys.argv[1])))
sent = os.urandom(16_000_000)
peer.sendall(sent)
peer.shutdown(socket.SHUT_WR)
received = b''.join(iter(lambda: peer.recv(65536), b''))
print('came back:', len(received), 'the same' if received == sent else 'not the same')
`;
      // With this window the server has everything, and the peer's FIN, long before it has echoed it. With
      // this send
      // buffer it takes the echo in parts.
      const env = { CONFIG_LWIP_TCP_WND_DEFAULT: '16000000', CONFIG_LWIP_TCP_SND_BUF_DEFAULT: '5760' };
      const echo = startNode(test, exampleFile('echo'), ['0'], env);
      const port = await echo.stdout.number(/port (\d+)$/);
      await startPython(test, script, String(port)).stdout.line(/^came back: 16000000 the same$/);
    },
  );

  it('answers a peer that has ended its own side', { skip: unlessInstalled('nc') }, async (test) => {
    const echo = startExample(test, 'echo', 0);
    const port = await echo.stdout.number(/port (\d+)$/);
    const nc = startPeer(test, 'nc', '-N', '127.0.0.1', String(port));
    nc.endInput('first line\nlast line');
    assert.equal((await nc.ended).status, 0);
    assert.equal(nc.stdout.text, 'first line\nlast line');
  });

  it(
    'ends with Ctrl-C although a peer reads nothing of what waits for it',
    { skip: unlessInstalled('python3') },
    async (test) => {
      const echo = startExample(test, 'echo', 0);
      const port = await echo.stdout.number(/port (\d+)$/);
      const script = `
import select, socket, sys
peer = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
peer.setblocking(False)
while select.select([], [peer], [], 1)[1]:
    peer.send(bytes(65536))
print('the server takes no more')
sys.stdin.read()
`;
      await startPython(test, script, String(port)).stdout.line(/^the server takes no more$/);
      assert.deepEqual(await echo.interrupt(), { status: 0, signal: null });
    },
  );

  it(
    'gives a peer in the middle of a transfer all of it back when it is told to end',
    { skip: unlessInstalled('python3') },
    async (test) => {
      const script = `
import os, socket, sys, threading
peer = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
sent = os.urandom(8_800_000)
received = []
def receive():
    while data := peer.recv(65536):
        received.append(data)
reader = threading.Thread(target=receive)
reader.start()
peer.sendall(sent[:4_400_000])
print('half')
sys.stdin.readline()
peer.sendall(sent[4_400_000:])
peer.shutdown(socket.SHUT_WR)
reader.join()
print('came back:', 'the same' if b''.join(received) == sent else 'not the same')
`;
      const echo = startExample(test, 'echo', 0);
      const port = await echo.stdout.number(/port (\d+)$/);
      const peer = startPython(test, script, String(port));
      await peer.stdout.line(/^half$/);
      const ended = echo.terminate();
      peer.type('go on\n');
      await peer.stdout.line(/^came back: the same$/);
      assert.deepEqual(await ended, { status: 0, signal: null });
    },
  );

  it('says in one line that its port is taken', { skip: unlessInstalled('python3') }, async (test) => {
    const owner = startPython(test, `${PYTHON_LISTENER}sys.stdin.read()`);
    const port = await owner.stdout.number(/port (\d+)$/);
    const echo = startExample(test, 'echo', port);
    assert.equal((await echo.ended).status, 1);
    assert.match(echo.stderr.text, /^TcpError: listen on 127\.0\.0\.1 port \d+: address in use.*\n$/);
  });
});

describe('the example client', { concurrency: true, timeout: HANGS_MS }, () => {
  it('shows each callback of a conversation, in order', { skip: unlessInstalled('nc') }, async (test) => {
    const nc = startPeer(test, 'nc', '-l', '-v', '-n', '127.0.0.1', '0');
    const port = await nc.stderr.number(/^Listening on \S+ (\d+)$/);
    const client = startExample(test, 'client', '127.0.0.1', port, 'how', 'do', 'you', 'do?');
    await nc.stdout.line(/^how do you do\?$/);
    await client.stdout.line(/^acknowledged/);
    nc.type('very well\n');

    assert.equal((await client.ended).status, 0);
    assert.match(
      client.stdout.text,
      new RegExp(
        `^connected to 127\\.0\\.0\\.1 port ${port}\n` +
          'acknowledged: 15 bytes after \\d+ ms\n' +
          'received: "very well\\\\n"\n' +
          'disconnected\n$',
      ),
    );
    assert.equal(client.stderr.text, '');
    assert.equal((await nc.ended).status, 0);
  });

  it(
    'tells of a refused connection by onError and onDisconnect',
    { skip: unlessInstalled('python3') },
    async (test) => {
      // A bound socket that does not listen: the port is not free, and refuses connections.
      const script = `
import socket, sys
unused = socket.socket()
unused.bind(('127.0.0.1', 0))
print('nobody listens on port', unused.getsockname()[1])
sys.stdin.read()
`;
      const port = await startPython(test, script).stdout.number(/port (\d+)$/);
      const client = startExample(test, 'client', '127.0.0.1', port, 'hello');
      assert.equal((await client.ended).status, 1);
      assert.match(client.stderr.text, /^error -14: connection reset or refused by the peer \(.*\)\n$/);
      assert.equal(client.stdout.text, 'disconnected\n');
    },
  );
});

describe('the example async-send', { concurrency: true, timeout: HANGS_MS }, () => {
  const MEGABYTES = 64;

  it(
    'delivers every byte in order to a receiver with a small window',
    { skip: unlessInstalled('python3') },
    async (test) => {
      const script = `
${PYTHON_LISTENER}
listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
peer, _ = listener.accept()
pattern = bytes(range(251)) * 263
received = 0
while True:
    data = peer.recv(65536)
    if not data:
        break
    start = received % 251
    if data != pattern[start:start + len(data)]:
        print('wrong after byte', received)
        sys.exit(1)
    received += len(data)
print('received', received)
`;
      const receiver = startPython(test, script);
      const port = await receiver.stdout.number(/port (\d+)$/);
      const sender = startExample(test, 'async-send', '127.0.0.1', port, MEGABYTES);
      assert.equal(await receiver.stdout.number(/^received (\d+)$/), MEGABYTES * 1_000_000);
      assert.equal((await sender.ended).status, 0);
      assert.match(
        sender.stdout.text,
        /^64000000 bytes acknowledged in \d+ ms\nlongest wait for an acknowledgement: \d+ ms\n$/,
      );
    },
  );

  it(
    'sends on to a receiver that has ended its own side',
    { skip: unlessInstalled('python3') },
    async (test) => {
      const script = `
${PYTHON_LISTENER}
listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
peer, _ = listener.accept()
# The sender hears of it long before it is done: the window is small, and nothing was read yet.
peer.shutdown(socket.SHUT_WR)
print('received', sum(map(len, iter(lambda: peer.recv(65536), b''))))
`;
      const receiver = startPython(test, script);
      const sender = startExample(test, 'async-send', '127.0.0.1', await receiver.stdout.number(/(\d+)$/));
      assert.equal(await receiver.stdout.number(/^received (\d+)$/), 16_000_000);
      assert.equal((await sender.ended).status, 0);
    },
  );

  it('fails when the receiver goes away', { skip: unlessInstalled('python3') }, async (test) => {
    const script = `${PYTHON_LISTENER}\npeer, _ = listener.accept()\npeer.recv(1000)`;
    const receiver = startPython(test, script);
    const port = await receiver.stdout.number(/port (\d+)$/);
    const sender = startExample(test, 'async-send', '127.0.0.1', port, MEGABYTES);
    assert.equal((await sender.ended).status, 1);
    assert.match(sender.stderr.text, /^connection reset.*\n\d+ of 64000000 bytes acknowledged\n$/);
  });
});

describe('the example chargen', { timeout: HANGS_MS }, () => {
  /** More than the kernel's buffers hold, so that not everything was sent before the reader stopped. */
  const MUCH = 64_000_000;
  const GROWTH_LIMIT_BYTES = 64 * 1_048_576;

  /**
   * For each line of its input, reads that number of bytes, and compares them with the pattern of RFC 864.
   */
  const PYTHON_READER = `
import socket, sys
peer = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
ring = bytes(range(32, 127)) * 2
pattern = b''.join(ring[first:first + 72] + b'\\r\\n' for first in range(95))
pattern *= 65536 // len(pattern) + 2
position = 0
for command in sys.stdin:
    end = position + int(command)
    while position < end:
        data = peer.recv(min(end - position, 65536))
        start = position % (95 * 74)
        if not data or data != pattern[start:start + len(data)]:
            print('wrong after byte', position)
            sys.exit(1)
        position += len(data)
    print('right up to byte', position)
`;

  it(
    'stays small while one reader stands still and others read, and then goes on where it stopped',
    { skip: process.platform === 'linux' ? unlessInstalled('python3') : 'memory is read from Linux /proc' },
    async (test) => {
      const chargen = startExample(test, 'chargen', 0);
      const port = await chargen.stdout.number(/^chargen listens on 127\.0\.0\.1 port (\d+)$/);
      const stopping = startPython(test, PYTHON_READER, String(port));
      stopping.type('100000\n');
      await stopping.stdout.line(/^right up to byte 100000$/);
      // The server prints this line when its own buffer and the kernel's are full.
      const [, stopped] = await chargen.stdout.line(/^(.*) has stopped reading$/);
      const fullBytes = memoryBytes('VmRSS', chargen.pid);

      const busy = startPython(test, PYTHON_READER, String(port));
      busy.type(`${MUCH}\n`);
      await busy.stdout.line(new RegExp(`^right up to byte ${MUCH}$`));
      const grownBytes = memoryBytes('VmRSS', chargen.pid) - fullBytes;
      assert.ok(grownBytes < GROWTH_LIMIT_BYTES, `grown by ${grownBytes} bytes`);

      stopping.type(`${MUCH}\n`);
      await stopping.stdout.line(new RegExp(`^right up to byte ${MUCH + 100_000}$`));
      assert.ok(chargen.stdout.text.includes(`${String(stopped)} reads on\n`));
      assert.deepEqual(await chargen.interrupt(), { status: 0, signal: null });
    },
  );
});

describe('the example chargen, at its end', { timeout: HANGS_MS }, () => {
  it(
    'sends a slow reader all that it has taken for it, then the end',
    { skip: unlessInstalled('python3') },
    async (test) => {
      const script = `
import socket, sys
peer = socket.socket()
peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
peer.connect(('127.0.0.1', int(sys.argv[1])))
received = len(peer.recv(1))
print('reads')
sys.stdin.readline()
try:
    while data := peer.recv(65536):
        received += len(data)
    print('FIN after', received)
except ConnectionResetError:
    print('reset')
`;
      const chargen = startExample(test, 'chargen', 0);
      const port = await chargen.stdout.number(/port (\d+)$/);
      const reader = startPython(test, script, String(port));
      await reader.stdout.line(/^reads$/);
      await chargen.stdout.line(/has stopped reading$/);
      const ended = chargen.terminate();
      reader.type('read on\n');
      const bytes = await reader.stdout.number(/^FIN after (\d+)$/);
      assert.ok(bytes > 1_000_000, `${bytes} bytes, less than what was sent before`);
      assert.deepEqual(await ended, { status: 0, signal: null });
    },
  );
});

describe('the example fetch-website', { concurrency: true, timeout: HANGS_MS }, () => {
  const BODY_BYTES = 1_000_000;
  const HEAD = `HTTP/1.1 200 OK\r\nContent-Length: ${BODY_BYTES}\r\n\r\n`;

  /** Keeps its connections open unless a request asks to close, and answers after a line of input. */
  const PYTHON_WEBSITE = `
import http.server, sys

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        print('asked for', self.path, 'of', self.headers['Host'])
        sys.stdin.readline()
        self.send_response_only(200)
        self.send_header('Content-Length', '${BODY_BYTES}')
        self.end_headers()
        self.wfile.write(b'x' * ${BODY_BYTES})

server = http.server.HTTPServer((sys.argv[1], 0), Handler)
print('serving on port', server.server_port)
server.serve_forever()
`;

  /** Resolves to names of this machine that need no network, with different addresses if possible. */
  async function localNames(): Promise<{ name: string; address: string }[]> {
    const names = [{ name: 'localhost', address: '127.0.0.1' }];
    try {
      const { address } = await lookup(hostname(), { family: 4 });
      if (address.startsWith('127.')) names.push({ name: hostname(), address });
    } catch {
      // If this machine's own name has no address, one name with two ports is enough.
    }
    return [...names, ...names].slice(0, 2);
  }

  it(
    'fetches from two hosts by name at the same time',
    { skip: unlessInstalled('python3') },
    async (test) => {
      const sites = [];
      for (const [index, { name, address }] of (await localNames()).entries()) {
        const server = startPython(test, PYTHON_WEBSITE, address);
        const port = await server.stdout.number(/^serving on port (\d+)$/);
        sites.push({ server, host: `${name}:${port}`, path: index === 0 ? '/' : '/page?number=2' });
      }
      const program = startExample(test, 'fetch-website', ...sites.map(({ host, path }) => host + path));
      // The sites answer when both of them were asked.
      for (const { server, host, path } of sites) {
        const [, request] = await server.stdout.line(/^asked for (.*)$/);
        assert.equal(request, `${path} of ${host}`);
      }
      for (const { server } of sites) server.type('answer\n');

      assert.equal((await program.ended).status, 0);
      const expected = sites.map(({ host }) => `${host}: HTTP/1.1 200 OK, ${HEAD.length + BODY_BYTES} bytes`);
      assert.deepEqual(program.stdout.text.trimEnd().split('\n').sort(), expected.sort());
    },
  );

  it(
    'gives a website up that accepts and stays silent, and still fetches the other',
    { skip: unlessInstalled('python3') },
    async (test) => {
      const script = `
${PYTHON_LISTENER}
peer, _ = listener.accept()
while peer.recv(65536):
    pass
`;
      const silent = startPython(test, script);
      const silentPort = await silent.stdout.number(/port (\d+)$/);
      const server = startPython(test, PYTHON_WEBSITE, '127.0.0.1');
      const port = await server.stdout.number(/port (\d+)$/);
      server.type('answer\n');
      const program = startExample(test, 'fetch-website', `127.0.0.1:${silentPort}`, `127.0.0.1:${port}`);
      assert.equal((await program.ended).status, 1);
      assert.equal(
        program.stdout.text,
        `127.0.0.1:${port}: HTTP/1.1 200 OK, ${HEAD.length + BODY_BYTES} bytes\n` +
          `127.0.0.1:${silentPort}: nothing came for 5 s\n`,
      );
    },
  );
});

describe('the example reconnecting-client', { timeout: HANGS_MS }, () => {
  /** Refuses connections until a line of input; then closes each connection after its first line. */
  const PYTHON_SERVER = `
import socket, sys
listener = socket.socket()
listener.bind(('127.0.0.1', 0))
print('bound to port', listener.getsockname()[1])
sys.stdin.readline()
listener.listen()
while True:
    peer, _ = listener.accept()
    print('first line:', peer.makefile().readline().strip())
    peer.close()
`;

  it(
    'backs off while it is refused, comes back after each loss, and goes on counting',
    { skip: unlessInstalled('python3') },
    async (test) => {
      const server = startPython(test, PYTHON_SERVER);
      const port = await server.stdout.number(/^bound to port (\d+)$/);
      const client = startExample(test, 'reconnecting-client', '127.0.0.1', port);
      for (const longestMs of [250, 500, 1000]) {
        await client.stdout.line(/failed: connection reset or refused by the peer/);
        const waitMs = await client.stdout.number(/disconnected, trying again in (\d+) ms$/);
        assert.ok(waitMs >= longestMs / 2 && waitMs <= longestMs, `waits ${waitMs} of ${longestMs} ms`);
      }
      server.type('listen\n');
      let last = -1;
      for (let connection = 1; connection <= 2; connection += 1) {
        await client.stdout.line(new RegExp(`connected to 127\\.0\\.0\\.1 port ${port}$`));
        const number = await server.stdout.number(/^first line: (\d+)$/);
        assert.ok(number > last, `counts ${number} after ${last}`);
        last = number;
        // After a connection that lasted, the delays begin anew.
        const waitMs = await client.stdout.number(/disconnected, trying again in (\d+) ms$/);
        assert.ok(waitMs <= 250, `waits ${waitMs} ms`);
      }
      assert.deepEqual(await client.interrupt(), { status: 0, signal: null });
    },
  );
});

describe('the example link', { timeout: HANGS_MS }, () => {
  /** Answers each line in capitals; ends the connection after a line `bye`, and resets it after `reset`. */
  const PYTHON_SERVER = `
import socket, struct, sys
listener = socket.socket()
listener.bind(('127.0.0.1', 0))
print('bound to port', listener.getsockname()[1])
sys.stdin.readline()
listener.listen()
while True:
    peer, _ = listener.accept()
    for line in peer.makefile():
        peer.sendall(line.upper().encode())
        if line == 'bye\\n':
            break
        if line == 'reset\\n':
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
            break
    peer.close()
`;

  it(
    'waits for its server with nothing else to keep it alive, and comes back after each loss, with the reason',
    { skip: unlessInstalled('python3') },
    async (test) => {
      const server = startPython(test, PYTHON_SERVER);
      const port = await server.stdout.number(/^bound to port (\d+)$/);
      const link = startExample(test, 'link', '127.0.0.1', port);
      for (const longestMs of [250, 500, 1000]) {
        const waitMs = await link.stdout.number(/^again in (\d+) ms, after ERR_RST: .*refused/);
        assert.ok(waitMs <= longestMs, `waits ${waitMs} of ${longestMs} ms`);
      }
      link.type('too early\n');
      await link.stdout.line(/^not sent: too early$/);
      server.type('listen\n');
      for (const [word, reason] of [
        ['bye', 'ended'],
        ['reset', 'ERR_RST'],
      ] as const) {
        await link.stdout.line(new RegExp(`^up: 127\\.0\\.0\\.1:${port}$`));
        link.type('hello\n');
        await link.stdout.line(/^> HELLO$/);
        link.type(`${word}\n`);
        await link.stdout.line(new RegExp(`^down: ${reason}: `));
        await link.stdout.line(new RegExp(`^again in \\d+ ms, after ${reason}: `));
      }
      await link.stdout.line(/^up: /);
      assert.deepEqual(await link.interrupt(), { status: 0, signal: null });
    },
  );
});

describe('the example streams', { concurrency: true, timeout: HANGS_MS }, () => {
  it(
    'passes each line to all others, and goes with Ctrl-C',
    { skip: unlessInstalled('nc') },
    async (test) => {
      const chat = startExample(test, 'streams', 0);
      const port = await chat.stdout.number(/^the chat is on 127\.0\.0\.1 port (\d+)$/);
      const [ann, bob, eve] = [1, 2, 3].map(() => startPeer(test, 'nc', '127.0.0.1', String(port)));
      assert.ok(ann && bob && eve);
      await ann.stdout.line(/^you are \d+, with \d others$/);
      const bobsName = await bob.stdout.number(/^you are (\d+), with \d others$/);
      await eve.stdout.line(/^you are/);
      bob.type('hello\nall\n');
      for (const other of [ann, eve]) {
        await other.stdout.line(new RegExp(`^${bobsName}: hello$`));
        await other.stdout.line(new RegExp(`^${bobsName}: all$`));
      }
      eve.endInput(`${'x'.repeat(1002)}\n`);
      await eve.ended;
      await chat.stdout.line(/read a line: value that cannot be used \(.* limit, 1000 bytes\)$/);
      ann.type('still here\n');
      await bob.stdout.line(/: still here$/);
      assert.deepEqual(await chat.interrupt(), { status: 0, signal: null });
      assert.equal(bob.stdout.text.includes('hello'), false);
    },
  );

  it(
    'holds a peer back that is faster than another one reads, and resets one that reads nothing',
    { skip: unlessInstalled('python3', 'nc') },
    async (test) => {
      const chat = startExample(test, 'streams', 0);
      const port = await chat.stdout.number(/port (\d+)$/);
      const script = `
import select, socket, sys
deaf = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
deaf.makefile().readline()
talker = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
talker.makefile().readline()
talker.setblocking(False)
print('both are there')
lines = (b'x' * 999 + b'\\n') * 100
sent = 0

def talk():
    global sent
    sent += talker.send(lines[sent % len(lines):])

while select.select([], [talker], [], 1)[1]:
    talk()
print('the talker is held back')
held = sent
talker.setblocking(True)
while sent < held + 16_000_000:
    talk()
print('the talker goes on')
try:
    while deaf.recv(65536):
        pass
except ConnectionResetError:
    print('the deaf one was reset')
`;
      const peers = startPython(test, script, String(port));
      await peers.stdout.line(/^the talker is held back$/);
      await peers.stdout.line(/^the talker goes on$/);
      await peers.stdout.line(/^the deaf one was reset$/);
    },
  );
});

describe('the example testing', { timeout: HANGS_MS }, () => {
  it('passes each of its tests, on no socket', async (test) => {
    // Under a test runner, a test program would report to that one.
    const example = startNode(test, exampleFile('testing'), [], { NODE_TEST_CONTEXT: '' });
    assert.deepEqual(await example.ended, { status: 0, signal: null }, example.stdout.text);
    assert.match(example.stdout.text, /^[#ℹ] pass 4$/m);
  });
});

describe('every example', { concurrency: true, timeout: HANGS_MS }, () => {
  const WRONG_ARGUMENTS: Record<string, string[][]> = {
    echo: [['http'], ['65536'], ['7007', 'localhost'], ['7007', '::1', 'more']],
    client: [[], ['localhost', '7007'], ['localhost', '0', 'hello'], ['no host', '7007', 'hello']],
    'async-send': [[], ['localhost'], ['localhost', '7007', '0.5'], ['localhost', '7007', '1', 'more']],
    chargen: [['-1'], ['7019', 'localhost'], ['7019', '::1', 'more']],
    'fetch-website': [['no host'], ['localhost:99999'], ['localhost:0']],
    streams: [['chat'], ['65536'], ['7007', 'localhost'], ['7007', '::1', 'more']],
    link: [[], ['localhost'], ['localhost', '99999'], ['localhost', '7007', 'more']],
    'reconnecting-client': [[], ['localhost'], ['localhost', '99999'], ['localhost', '7007', 'more']],
  };
  for (const [name, cases] of Object.entries(WRONG_ARGUMENTS)) {
    it(`answers wrong arguments with one line of usage: ${name}`, async (test) => {
      for (const args of cases) {
        const program = startExample(test, name, ...args);
        assert.equal((await program.ended).status, 2, `${name} ${args.join(' ')}`);
        assert.match(program.stderr.text, new RegExp(`^usage: node ${name}\\.js .*\n$`));
        assert.equal(program.stdout.text, '');
      }
    });
  }
});
