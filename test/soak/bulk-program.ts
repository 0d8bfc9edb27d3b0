/**
 * The program under test of `bulk.test.ts`, in a process of its own so that its memory can be measured. It
 * sends or receives the given numbers of bytes: over one connection to warm up, over another one for the
 * measurement.
 *
 *     node bulk-program.js send|receive client|server port seed bytes…
 *
 * Lines on stdout: `listening on port N` (as a server, whose port is 0), and a `Report` for each connection.
 */
import { createHash } from 'node:crypto';
import { AsyncClient, AsyncServer, nodeStack } from 'asynctcp';
import { memoryBytes } from '../support/process-memory.js';
import { Random } from '../support/random.js';
import { WRITE_FLAGS } from '../support/write-flags.js';

export interface Report {
  readonly bytes: number;
  readonly sha256: string;
  /** Sum of the bytes of all `onAck`. */
  readonly acked: number;
  /** Times that flow control stopped this end (no space) or its peer (the whole window withheld). */
  readonly timesFull: number;
  readonly error: string | undefined;
  /** Memory in use at the end of the connection. */
  readonly residentBytes: number;
  readonly peakBytes: number;
}

const HOST = '127.0.0.1';
/** Prime, so that lost or repeated bytes change everything that follows. */
const BLOCK_BYTES = 1_000_003;
const MAX_PIECE_BYTES = 262_144;
/** Of each `ROUND_BYTES` received, the bytes after the first `FREE_BYTES` are withheld for a while. */
const ROUND_BYTES = 4_194_304;
const FREE_BYTES = 3_145_728;
const LONGEST_DELAY_MS = 8;

const [way, role, port, seed, ...lengths] = process.argv.slice(2);
const random = new Random(Number(seed));
const block = random.bytes(BLOCK_BYTES);
const stack = nodeStack();

/** Fills the send buffer in `onAck`, with pieces of random sizes. */
class Sender {
  readonly hash = createHash('sha256');
  readonly #client: AsyncClient;
  readonly #length: number;
  bytes = 0;
  acked = 0;
  timesFull = 0;

  constructor(client: AsyncClient, length: number) {
    this.#client = client;
    this.#length = length;
    client.onAck((_, bytes) => {
      this.acked += bytes;
      this.#fill();
    });
    this.#fill();
  }

  #fill(): void {
    const client = this.#client;
    while (this.bytes < this.#length && client.canSend()) {
      const start = this.bytes % BLOCK_BYTES;
      const most = Math.min(BLOCK_BYTES - start, this.#length - this.bytes);
      const piece = block.subarray(start, start + Math.min(most, random.size(MAX_PIECE_BYTES)));
      const taken = client.add(piece, random.pick(WRITE_FLAGS));
      this.hash.update(piece.subarray(0, taken));
      this.bytes += taken;
      if (random.isOneIn(2)) client.send();
    }
    client.send();
    if (this.bytes === this.#length) client.close();
    else this.timesFull += 1;
  }
}

/** Receives, and acknowledges a part of the stream late and little by little. */
class Receiver {
  readonly hash = createHash('sha256');
  readonly #client: AsyncClient;
  bytes = 0;
  readonly acked = 0;
  timesFull = 0;
  #withheld = 0;
  #waits = false;

  constructor(client: AsyncClient) {
    this.#client = client;
    client.onData((_, data) => {
      this.hash.update(data);
      this.bytes += data.length;
      if (this.bytes % ROUND_BYTES > FREE_BYTES) this.#withhold(data.length);
    });
  }

  #withhold(bytes: number): void {
    this.#client.ackLater();
    this.#withheld += bytes;
    if (this.#withheld === stack.limits.receiveWindowBytes) this.timesFull += 1;
    if (!this.#waits) this.#ackSoon();
  }

  #ackSoon(): void {
    this.#waits = true;
    setTimeout(
      () => {
        this.#waits = false;
        this.#withheld -= this.#client.ack(random.whole(1, this.#withheld));
        // After the end of the connection `ack` has no effect.
        if (this.#withheld > 0 && this.#client.connected()) this.#ackSoon();
      },
      random.whole(1, LONGEST_DELAY_MS),
    );
  }
}

/** Runs one transfer. Must be called in the turn in which the client was connected. */
async function transfer(client: AsyncClient, length: number): Promise<void> {
  let error: string | undefined;
  client.onError((_, code, cause) => {
    error = `${AsyncClient.errorToString(code)}: ${cause?.message ?? ''}`;
  });
  const over = new Promise<void>((resolve) => {
    client.onDisconnect(() => {
      resolve();
    });
  });
  const end = way === 'send' ? new Sender(client, length) : new Receiver(client);
  await over;
  const { bytes, acked, timesFull } = end;
  const memory = { residentBytes: memoryBytes('VmRSS'), peakBytes: memoryBytes('VmHWM') };
  const report: Report = { bytes, acked, timesFull, error, ...memory, sha256: end.hash.digest('hex') };
  console.log(JSON.stringify(report));
}

if (role === 'client') {
  for (const length of lengths) {
    await transfer(await AsyncClient.open(HOST, Number(port), { stack }), Number(length));
  }
} else {
  const server = new AsyncServer(HOST, Number(port), { stack });
  server.onClient((client) => {
    const length = lengths.shift();
    if (lengths.length === 0) void server.end();
    void transfer(client, Number(length));
  });
  await server.begin();
  console.log(`listening on port ${server.port()}`);
}
