/** V · simulated networks: the same seed gives the same packets, and time waits for the program. */
import { AsyncClient, AsyncServer } from 'asynctcp';
import { checkDeterminism, Network, type Host } from 'asynctcp/virtual';
import type { ContractCase } from './case.js';
import { expect, expectEqual } from './expect.js';

const DELAY_MS = 10;
const SEED = 'a contract';

interface Pair {
  readonly device: Host;
  readonly gateway: Host;
}

function rough(network: Network): Pair {
  const device = network.host('device', { profile: 'esp32' });
  const gateway = network.host('gateway');
  const habits = { loss: 0.05, duplicate: 0.02, jitterMs: 3, reorder: { percent: 5 } };
  network.link(device, gateway, { delayMs: DELAY_MS, ...habits });
  return { device, gateway };
}

/** Sends bytes through a server that echoes them; resolves when all have come back. */
async function exchange(network: Network, { device, gateway }: Pair, bytes: number): Promise<void> {
  const server = new AsyncServer(80, { stack: gateway.stack });
  server.onClient((client) => {
    client.onData((_, data) => {
      client.write(data);
    });
  });
  await server.begin();
  const client = await network.runUntil(AsyncClient.open('gateway', 80, { stack: device.stack }));
  let [sent, received] = [0, 0];
  const fill = (): void => {
    sent += client.write(new Uint8Array(Math.min(bytes - sent, client.space())).fill(sent));
  };
  client.onAck(fill);
  const done = new Promise<void>((resolve) => {
    client.onData((_, data) => {
      received += data.length;
      if (received === bytes) resolve();
    });
  });
  fill();
  await network.runUntil(done);
  client.close();
  await network.run(1000);
}

/** Returns the capture of an exchange. */
async function captureOf(seed: number | string): Promise<Uint8Array> {
  const network = new Network({ seed });
  const pieces: Uint8Array[] = [];
  network.capture((bytes) => void pieces.push(bytes));
  await exchange(network, rough(network), 20_000);
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

export const VIRTUAL: readonly ContractCase[] = [
  {
    id: 'V1.capture',
    title: 'two runs with one seed give the same capture, byte for byte, and another seed another one',
    async run() {
      const first = await captureOf(SEED);
      expect(areEqual(first, await captureOf(SEED)), 'the captures of one seed are the same');
      expect(!areEqual(first, await captureOf('another')), 'those of two seeds differ');
    },
  },
  {
    id: 'V1.found',
    title: 'checkDeterminism accepts a program that depends on its seed, and finds one that does not',
    async run() {
      let runs = 0;
      const events = await checkDeterminism((network) => exchange(network, rough(network), 5000));
      expect(events > 0, 'packets were compared');
      const uneven = checkDeterminism((network) => {
        runs += 1;
        return exchange(network, rough(network), 1000 * runs);
      });
      const message = await uneven.then(
        () => '',
        (error: unknown) => String(error),
      );
      expect(message.includes('differ from packet'), `the difference is shown: ${message}`);
    },
  },
  {
    id: 'V2.work',
    title: 'ticks, microtasks and immediates of a handler run at its time',
    async run() {
      const network = new Network({ seed: SEED });
      const seen: number[] = [];
      const note = (): void => void seen.push(network.nowMs);
      network.at(5, () => {
        void Promise.resolve()
          .then(note)
          .then(() => new Promise((resolve) => setImmediate(resolve)))
          .then(note);
        queueMicrotask(note);
      });
      network.at(6, note);
      await network.run(10);
      expectEqual(seen, [5, 5, 5, 6], 'times');
    },
  },
  {
    id: 'V2.end',
    title: 'run ends exactly after its time, that instant included',
    async run() {
      const network = new Network({ seed: SEED });
      const seen: number[] = [];
      for (const ms of [19.999999, 20, 20.000001]) network.at(ms, () => void seen.push(ms));
      await network.run(20);
      expectEqual([network.nowMs, ...seen], [20, 19.999999, 20], 'time and events');
      network.runSync(0.5);
      expectEqual([network.nowMs, seen.length], [20.5, 3], 'time and events of runSync');
    },
  },
];
