/**
 * A gateway: many devices send lines to one upstream. The upstream may be slow, and it may restart: it
 * confirms each line with a newline, and the gateway sends again what was not confirmed. No line is lost,
 * but a line may arrive twice. While the upstream is behind, the receive windows hold the devices back.
 *
 *     node build/examples/gateway.js port upstream-host upstream-port [seconds of silence]
 */
import { AsyncClient, AsyncServer } from 'asynctcp';

const MAX_LINE = 4096;
/** Receive window of each device, in bytes: larger than a line, or a long line would never become whole. */
const WINDOW = 16_384;
const RETRY_MS = 250;
/** Time for the devices to end their side, when the gateway ends. */
const GRACE_MS = 5000;
const NEWLINE = 10;

const [port = '', upstreamHost = '', upstreamPort = '', silenceS = '60', ...tooMany] = process.argv.slice(2);

interface Line {
  readonly bytes: Uint8Array;
  readonly device: AsyncClient;
}

/** Lines that the upstream has not confirmed; the first `sent` of them went over the present connection. */
const lines: Line[] = [];
let sent = 0;
let isStopping = false;

const upstream = new AsyncClient();

function pump(): void {
  for (let next = lines[sent]; next !== undefined; next = lines[sent]) {
    if (upstream.space() < next.bytes.length) break;
    upstream.add(next.bytes);
    sent += 1;
  }
  upstream.send();
}

function connect(): boolean {
  return upstream.connect(upstreamHost, Number(upstreamPort), { timeoutMs: 5000 });
}

upstream.onConnect(pump);
upstream.onAck(pump);
upstream.onData((_, data) => {
  const confirmed = lines.splice(0, Math.min(sent, data.length));
  sent -= confirmed.length;
  // Opens the window: the device may send as many further bytes.
  for (const { bytes, device } of confirmed) device.ack(bytes.length);
  if (isStopping && lines.length === 0) void upstream.drain({ withinMs: GRACE_MS });
});
upstream.onDisconnect(() => {
  sent = 0;
  setTimeout(() => (isStopping && lines.length === 0) || connect(), RETRY_MS);
});
// A vanished upstream is silent; a slow one still answers the probes of its closed window.
upstream.onTimeout((_, timeMs, heardAgoMs = 0) => {
  if (heardAgoMs > 0.75 * timeMs) upstream.abort();
});

function serve(device: AsyncClient): void {
  /** The beginning of a line. */
  let rest = Buffer.alloc(0);
  device.onData((_, data) => {
    device.ackLater();
    let start = 0;
    for (let end = data.indexOf(NEWLINE); end >= 0; end = data.indexOf(NEWLINE, start)) {
      lines.push({ bytes: Buffer.concat([rest, data.subarray(start, end + 1)]), device });
      rest = Buffer.alloc(0);
      start = end + 1;
    }
    rest = Buffer.concat([rest, data.subarray(start)]);
    if (rest.length > MAX_LINE) device.abort();
    pump();
  });
}

/** Ends the devices with FIN, receives their last lines, and then sends the waiting lines to the upstream. */
async function stop(): Promise<void> {
  await server.end({ clients: 'drain', withinMs: GRACE_MS });
  isStopping = true;
  if (lines.length === 0) void upstream.drain({ withinMs: GRACE_MS });
}

let server: AsyncServer;
try {
  server = new AsyncServer(Number(port), { address: '127.0.0.1', receiveWindow: WINDOW });
  server.defaults({ rxTimeoutS: Number(silenceS) });
  server.onClient(serve);
  if (tooMany.length > 0 || !connect()) throw new RangeError('arguments that can never work');
} catch {
  console.error('usage: node gateway.js port upstream-host upstream-port [seconds of silence]');
  process.exit(2);
}
await server.begin();
console.log(`gateway listens on port ${server.port()}`);
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void stop());
