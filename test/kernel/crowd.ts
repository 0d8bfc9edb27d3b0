/** M4 on the kernel's TCP: the memory bound with a thousand peers that never read and one that does. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { CHARGEN_PATTERN, chargen } from '#src/cli/services/chargen.js';
import { kernelStack, nodeStack, type AsyncClient, type AsyncServer, type TcpStack } from 'asynctcp';
import { descriptorLinks } from '../support/descriptors.js';
import type { Scenario } from './scenario.js';
import { ADDRESS, kernelSockets, type World } from './world.js';

const CROWD = 1000;
const MIB = 1_048_576;
const SHARE_BYTES = 65_536;
/** Bytes that the reader receives: more than all buffers on the way hold. */
const READ_BYTES = 64 * MIB;

/** Opens the given number of connections, and never reads. Ends with its input. */
const CROWD_SCRIPT = `
import socket, sys
crowd = [socket.create_connection((sys.argv[1], int(sys.argv[2]))) for _ in range(int(sys.argv[3]))]
print("connected", len(crowd))
sys.stdin.read()
`;

/** Reads the given number of bytes, and compares them with a repeated pattern. */
const READER_SCRIPT = `
import socket, sys
pattern = bytes.fromhex(sys.stdin.readline().strip())
peer = socket.create_connection((sys.argv[1], int(sys.argv[2])))
wanted, got, matches = int(sys.argv[3]), 0, True
twice = pattern * (2 + 262144 // len(pattern))
while got < wanted:
    data = peer.recv(262144)
    if not data: break
    at = got % len(pattern)
    matches = matches and data == twice[at:at + len(data)]
    got += len(data)
print("got", got >= wanted, matches)
`;

function unacknowledged(server: AsyncServer): number {
  let bytes = 0;
  for (const client of server.clients()) bytes += client.unacknowledged();
  return bytes;
}

/**
 * Returns the bytes of kernel memory that sockets with this local port hold for sending (`w` and `f` of
 * `ss`).
 */
function kernelMemory(port: number): number {
  const text = execFileSync('ss', ['-tmnH', `sport = :${port}`], { encoding: 'utf8' });
  let bytes = 0;
  for (const [, forward, queued] of text.matchAll(/,f(\d+),w(\d+)/g))
    bytes += Number(forward) + Number(queued);
  return bytes;
}

const queuedInKernel = (port: number): number =>
  kernelSockets(port)
    .filter(({ localPort }) => localPort === port)
    .reduce((total, socket) => total + socket.unacknowledged, 0);

/** Waits until the crowd's buffers are full: the unacknowledged bytes have not changed in 200 polls. */
async function fill(world: World, server: AsyncServer, count: number): Promise<void> {
  await world.until('the crowd is accepted', () => server.count() === count);
  let [before, looks] = [-1, 0];
  await world.until('nothing more is sent', () => {
    const now = unacknowledged(server);
    looks = now === before ? looks + 1 : 0;
    before = now;
    return looks === 200;
  });
}

/** Clients that the server closes at the same time, each with more bytes than its peer's buffer holds. */
const CLOSED = 1100;
const LEFT_BYTES = 150_000;

/**
 * Opens the given number of connections with small buffers, waits, then reads from all in turn, a little at a
 * time.
 */
const SLOW_SCRIPT = `
import socket, sys
address, port, count, wanted = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
peers = {}
for _ in range(count):
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    peer.connect((address, port))
    peers[peer] = 0
print("connected")
sys.stdin.readline()
whole = 0
while peers:
    for peer in list(peers):
        try:
            data = peer.recv(20000)
        except OSError:
            data = b""
        peers[peer] += len(data)
        if data: continue
        whole += peers[peer] == wanted
        del peers[peer]
        peer.close()
print("whole", whole)
`;

function slowReaders(name: string, makeStack: () => TcpStack): Scenario {
  return {
    title: `more clients that close at once than ever were kept, on ${name}: none whose peer reads is cut`,
    ownNetwork: true,
    needs: ['python3'],
    async run(world) {
      const ends: string[] = [];
      const server = await world.serve(
        (client) => {
          client.onDisconnect((_, reason, code) => ends.push(`${reason} ${code ?? ''}`));
          let sent = 0;
          const refill = (): void => {
            for (let last = 1; last > 0 && sent < LEFT_BYTES; sent += last) {
              last = client.write(new Uint8Array(LEFT_BYTES - sent));
            }
            if (sent === LEFT_BYTES) client.close();
          };
          client.onAck(refill);
          refill();
        },
        { stack: makeStack(), maxClients: CLOSED },
      );
      const words = [ADDRESS, server.port(), CLOSED, LEFT_BYTES].map(String);
      const readers = world.start('python3', '-u', '-c', SLOW_SCRIPT, ...words);
      await readers.stdout.line(/^connected/);
      readers.type('\n');
      assert.equal(await readers.stdout.number(/^whole (\d+)/), CLOSED);
      await world.until('all are over', () => ends.length === CLOSED);
      assert.deepEqual(new Set(ends), new Set(['closed ']));
    },
  };
}

export const SCENARIOS: readonly Scenario[] = [
  slowReaders('kernel', kernelStack),
  slowReaders('node', nodeStack),
  {
    title: 'holds at most the budget, in the process and in the kernel, and leaves a reader its send buffer',
    ownNetwork: true,
    needs: ['python3', 'ss'],
    async run(world) {
      const descriptors = descriptorLinks().length;
      const clients: AsyncClient[] = [];
      const server = await world.serve((client) => {
        clients.push(client);
        chargen.serve(client, { bytesIn: 0, bytesOut: 0 });
      });
      const port = server.port();
      const crowd = world.start('python3', '-u', '-c', CROWD_SCRIPT, ADDRESS, String(port), String(CROWD));
      await crowd.stdout.line(/^connected/);
      await fill(world, server, CROWD);
      const { sendBudgetBytes, sendBufferBytes } = world.stack.limits;
      assert.equal(sendBudgetBytes, 256 * MIB);
      for (const client of clients) assert.ok(client.unacknowledged() >= SHARE_BYTES, 'each has its share');
      for (const [what, bytes] of [
        ['unacknowledged', unacknowledged(server)],
        ['in the kernel’s queues', queuedInKernel(port)],
        ['of kernel memory', kernelMemory(port)],
        ['of process memory', process.memoryUsage.rss()],
      ] as const) {
        assert.ok(bytes <= sendBudgetBytes, `${bytes} bytes ${what}`);
      }

      const script = ['-u', '-c', READER_SCRIPT, ADDRESS, String(port), String(READ_BYTES)];
      const reader = world.start('python3', ...script);
      reader.type(`${Buffer.from(CHARGEN_PATTERN).toString('hex')}\n`);
      let most = 0;
      const look = setInterval(() => {
        most = Math.max(most, clients[CROWD]?.unacknowledged() ?? 0);
      }, 1);
      const [line] = await reader.stdout.line(/^got .*/);
      clearInterval(look);
      assert.equal(line, 'got True True');
      assert.ok(most > sendBufferBytes / 2, `the reader had ${most} bytes of ${sendBufferBytes} under way`);
      assert.ok(unacknowledged(server) <= sendBudgetBytes);

      await crowd.kill();
      await world.until('all are gone', () => server.count() === 0);
      await server.end();
      await world.until('no descriptor is left', () => descriptorLinks().length === descriptors);
    },
  },
];
