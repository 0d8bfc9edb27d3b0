/** D9 from outside: a program that closes and ends by itself delivers everything to a slow reader. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { pattern } from '../contract/pattern.js';
import { STACKS } from '../soak/stacks.js';
import { startNode, startPython, unlessInstalled } from './programs.js';

const BYTES = 3_000_000;
const CLIENT = new URL('programs/closing-client.js', import.meta.url);
const HANGS_MS = 120_000;

/** Accepts one connection, reads it in pieces with a pause after each, and tells what it got and the end. */
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
  /** SO_RCVBUF; 0: the system's own. */
  readonly buffer: number;
  readonly bytes?: number;
  /** The program closes when all is acknowledged. */
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
  { title: 'that takes about 1 MB a second', piece: 10_000, pauseS: 0.01, answers: false, buffer: 16_384 },
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
