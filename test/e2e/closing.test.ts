/** D9 in a program: a program that closes and ends by itself delivers everything to a slow reader. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { pattern } from '../contract/pattern.js';
import { ErrorCode } from 'asynctcp';
import { inForm } from '../support/form.js';
import { STACKS } from '../support/stacks.js';
import { start, startNode, startPython, unlessInstalled } from './programs.js';
import { program } from './programs/inline.js';
import { HANGS_MS } from './programs/inline.js';

const BYTES = 3_000_000;
const CLIENT = new URL('programs/closing-client.js', import.meta.url);
const STUFFING = new URL('programs/stuffing-client.js', import.meta.url);

/** Accepts one connection, reads it in pieces with a pause after each, and prints the bytes and the end. */
const PEER = `
import hashlib, socket, sys, time
piece, pause, answers, buffer = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3] == "answers", int(sys.argv[4])
listener = socket.socket()
if buffer: listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
listener.bind(("127.0.0.1", 0))
listener.listen(1)
print("port", listener.getsockname()[1])
peer, _ = listener.accept()
got, digest, end = 0, hashlib.sha256(), "fin"
while True:
    try:
        data = peer.recv(piece)
        if not data: break
        got += len(data)
        digest.update(data)
        if answers: peer.send(b".")
    except OSError as error:
        end = str(error)
        break
    time.sleep(pause)
print("got", got, digest.hexdigest(), end)
`;

interface Reader {
  readonly title: string;
  readonly piece: number;
  readonly pauseS: number;
  readonly answers: boolean;
  /** SO_RCVBUF; 0: the system's default. */
  readonly buffer: number;
  readonly bytes?: number;
  /** The program closes when everything is acknowledged. */
  readonly isFlushed?: boolean;
}

const READERS: readonly Reader[] = [
  {
    title: 'that reads 64 KiB, sends one byte back and waits 10 ms, again and again',
    piece: 65_536,
    pauseS: 0.01,
    answers: true,
    buffer: 0,
  },
  {
    // The long form takes half a minute: longer than a stack waits for a FIN.
    title: `that takes about ${inForm({ short: 1000, long: 100 })} KB a second`,
    piece: inForm({ short: 10_000, long: 1000 }),
    pauseS: 0.01,
    answers: false,
    buffer: 16_384,
  },
  {
    title: 'whose TCP has acknowledged everything before, and that answers what it reads later',
    piece: 5000,
    pauseS: 0.01,
    answers: true,
    buffer: 0,
    bytes: 60_000,
    isFlushed: true,
  },
  { title: 'that does both', piece: 10_000, pauseS: 0.01, answers: true, buffer: 16_384 },
];

for (const stack of Object.keys(STACKS)) {
  const skip = unlessInstalled('python3');
  describe(
    `a program on ${stack} that closes and has nothing else to do`,
    { skip, timeout: HANGS_MS },
    () => {
      for (const { title, piece, pauseS, answers, buffer, bytes = BYTES, isFlushed = false } of READERS) {
        it(`delivers all to a peer ${title}`, async (test) => {
          const how = [String(piece), String(pauseS), answers ? 'answers' : 'listens', String(buffer)];
          const peer = startPython(test, PEER, ...how);
          const port = await peer.stdout.number(/^port (\d+)/);
          const program = startNode(test, CLIENT, [
            stack,
            String(port),
            String(bytes),
            isFlushed ? 'flushed' : 'at once',
          ]);
          const [, got, hash, end] = await peer.stdout.line(/^got (\d+) (\w+) (.*)/);
          const expected = createHash('sha256')
            .update(pattern(1, 0, bytes))
            .digest('hex');
          assert.deepEqual([got, end, hash], [String(bytes), 'fin', expected]);
          const ending = await program.ended;
          assert.deepEqual([ending, program.stdout.text], [{ status: 0, signal: null }, '']);
        });
      }
    },
  );
}

/** Accepts one connection, reads the given number of bytes, and never ends. Prints the end on request. */
const SILENT_PEER = `
import select, socket, sys
wanted = int(sys.argv[1])
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(1)
print("port", listener.getsockname()[1])
peer, _ = listener.accept()
got = 0
while got < wanted: got += len(peer.recv(wanted - got))
print("has all")
sys.stdin.readline()
try:
    while peer.recv(65536): pass
    print("end fin")
except OSError as error:
    print("end reset")
`;

for (const stack of Object.keys(STACKS)) {
  const skip = unlessInstalled('python3');
  describe(`a program on ${stack} whose peer is silent`, { skip, timeout: HANGS_MS }, () => {
    it('gets ERR_TIMEOUT after the close timeout where the peer never reads, and ends', async (test) => {
      const peer = startPython(test, SILENT_PEER, '0');
      const port = await peer.stdout.number(/^port (\d+)/);
      const env = { CONFIG_ASYNC_TCP_CLOSE_TIMEOUT: '1000' };
      const client = startNode(test, STUFFING, [stack, String(port)], env);
      const ending = await client.ended;
      assert.deepEqual(ending, { status: 0, signal: null }, client.stderr.text);
      const { ERR_TIMEOUT } = ErrorCode;
      assert.equal(client.stdout.text, `error ${ERR_TIMEOUT}\ndisconnect closeTimeout ${ERR_TIMEOUT}\n`);
      peer.type('\n');
      await peer.stdout.line(/^end reset$/);
    });
  });
}

it(
  'a program that does not wait (unref) ends at once after close(), though the peer never ends',
  {
    skip: unlessInstalled('python3'),
    timeout: HANGS_MS,
  },
  async (test) => {
    const peer = startPython(test, SILENT_PEER, '5');
    const port = await peer.stdout.number(/^port (\d+)/);
    const file = program(
      test,
      `const client = await asynctcp.AsyncClient.open('127.0.0.1', ${port}, { stack: 'kernel' });
    client.write('hello');
    await client.flushed();
    client.onDisconnect(() => {
      const overMs = performance.now();
      process.on('exit', () => { console.log(performance.now() - overMs < 10_000); });
    });
    client.unref();
    client.close();`,
    );
    const running = start(test, process.execPath, [file], {});
    assert.deepEqual(await running.ended, { status: 0, signal: null }, running.stderr.text);
    assert.equal(running.stdout.text, 'true\n');
  },
);
