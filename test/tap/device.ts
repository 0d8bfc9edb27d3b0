/** The device itself, without a stack: packets of the kernel are sent back with their two ends exchanged. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { loadAddon } from '#src/addon/load-addon.js';
import { TapDevice, type TapOptions } from '#src/link/tap-node.js';
import { FramePool, type Frame } from '#src/netstack/frame.js';
import { injectingAddon, inject } from '../faults/injecting-addon.js';
import { descriptorLinks } from '../support/descriptors.js';
import { until } from '../support/until.js';
import { deviceCommands, TAP, TWIN_ADDRESS, type TapScenario } from './scenario.js';

const PORT = 7;
const TWIN_MAC = '02:00:00:00:00:02';
const UDP = 17;
/** More than a batch, and less than the 500 packets that the kernel keeps for a TUN. */
const DATAGRAMS = 400;

const frames = new FramePool();

/** Exchanges two ranges of `length` bytes that follow each other. */
function exchange(frame: Frame, at: number, length: number): void {
  const first = frame.bytes.slice(at, at + length);
  frame.bytes.copyWithin(at, at + length, at + 2 * length);
  frame.bytes.set(first, at + length);
}

/** Sends UDP over IPv4 back; checksums do not depend on the order of the ends. */
function reflect(device: TapDevice): void {
  device.onReceive = (frame) => {
    const ip = frame.start + (device.medium === 'ethernet' ? 14 : 0);
    const isUdp = frame.bytes[ip] === 0x45 && frame.bytes[ip + 9] === UDP;
    if (!isUdp) {
      frames.give(frame);
      return;
    }
    if (device.medium === 'ethernet') exchange(frame, frame.start, 6);
    exchange(frame, ip + 12, 4);
    exchange(frame, ip + 20, 2);
    device.transmit(frame);
  };
  device.onBatchEnd = () => {
    device.flush();
  };
}

async function bound(): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4_000_000 });
  socket.bind(0);
  await once(socket, 'listening');
  return socket;
}

/** Sends datagrams of many lengths at once, and waits until each came back. */
async function expectEchoes(mostBytes: number): Promise<void> {
  const socket = await bound();
  const came = new Set<string>();
  socket.on('message', (message) => came.add(message.toString('latin1')));
  const sent = Array.from({ length: DATAGRAMS }, (_, index) =>
    `${index} `.padEnd(1 + ((index * 37) % mostBytes), 'x').slice(0, mostBytes),
  );
  for (const text of sent) socket.send(Buffer.from(text, 'latin1'), PORT, TWIN_ADDRESS);
  await until('each datagram is back', () => came.size === new Set(sent).size);
  for (const text of sent) assert.ok(came.has(text));
  socket.close();
}

function shell(command: string): string {
  return execFileSync('sh', ['-c', command], { encoding: 'utf8' });
}

/** Tunnels that the process has open. */
function descriptors(): number {
  return descriptorLinks().filter((link) => link === '/dev/net/tun').length;
}

function codeOf(open: () => unknown): unknown {
  try {
    open();
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : error;
  }
  return undefined;
}

const neighbour = `ip neigh add ${TWIN_ADDRESS} lladdr ${TWIN_MAC} dev ${TAP}`;

export const SCENARIOS: readonly TapScenario[] = [
  {
    title: 'TUN carries IP packets both ways, in batches',
    prepare: deviceCommands('tun'),
    run: async () => {
      const device = new TapDevice({ name: TAP, kind: 'tun', frames });
      assert.deepEqual([device.medium, device.mtu, device.isUp, device.hasAddress], ['ip', 1500, true, true]);
      reflect(device);
      await expectEchoes(1400);
      assert.ok(device.transmitted >= DATAGRAMS && device.refused === 0);
      assert.equal(frames.taken, 0, 'every frame is given back');
      device.close();
    },
  },
  {
    title: 'TAP carries Ethernet frames both ways, the largest of its MTU included',
    prepare: [...deviceCommands('tap', 9000), neighbour],
    run: async () => {
      const device = new TapDevice({ name: TAP, frames });
      assert.deepEqual([device.medium, device.mtu], ['ethernet', 9000]);
      reflect(device);
      await expectEchoes(9000 - 28);
      assert.equal(device.refused, 0);
      device.close();
    },
  },
  {
    title: 'a frame that is larger than the MTU is refused, and one while the interface is down',
    prepare: deviceCommands('tap'),
    run: () => {
      const device = new TapDevice({ name: TAP, frames });
      const send = (bytes: number): void => {
        const frame = frames.take(bytes);
        frame.end = frame.start + bytes;
        device.transmit(frame);
        device.flush();
      };
      send(1514);
      assert.deepEqual([device.transmitted, device.refused], [1, 0]);
      send(1515);
      assert.deepEqual([device.transmitted, device.refused], [1, 1]);
      shell(`ip link set ${TAP} down`);
      send(60);
      assert.deepEqual([device.transmitted, device.refused], [1, 2]);
      device.close();
      send(60);
      assert.deepEqual([device.transmitted, device.refused], [1, 3]);
      assert.equal(frames.taken, 0);
      return Promise.resolve();
    },
  },
  {
    title: 'an interface that is deleted is reported once',
    prepare: deviceCommands(),
    run: async () => {
      const device = new TapDevice({ name: TAP, frames });
      let gone = 0;
      device.onGone = () => (gone += 1);
      shell(`ip link del ${TAP}`);
      await until('it is reported', () => gone > 0);
      await sleep(20);
      assert.equal(gone, 1);
      device.close();
      await until('its descriptor is closed', () => descriptors() === 0);
    },
  },
  {
    title: 'refusals have the code of the system, and leave no descriptor',
    prepare: deviceCommands(),
    run: () => {
      const open = (name: string, kind?: 'tap' | 'tun'): unknown =>
        codeOf(() => new TapDevice({ name, kind, frames }));
      assert.equal(open(''), 'EINVAL');
      assert.equal(open('sixteen-letters-'), 'EINVAL');
      assert.equal(open('lo'), 'EINVAL');
      assert.equal(open(TAP, 'tun'), 'EINVAL');
      const device = new TapDevice({ name: TAP, frames });
      assert.equal(open(TAP), 'EBUSY');
      assert.equal(descriptors(), 1);
      device.close();
      const addon = loadAddon().addon ?? assert.fail();
      const wrong = { name: 7, frames, addon } as unknown as TapOptions;
      assert.equal(
        codeOf(() => new TapDevice(wrong)),
        'ERR_INVALID_ARG_TYPE',
      );
      return Promise.resolve();
    },
  },
  {
    title: 'opened and closed a hundred times it leaves nothing, also out of its own callback',
    prepare: [...deviceCommands(), neighbour],
    run: async () => {
      const socket = await bound();
      for (let count = 0; count < 100; count += 1) {
        const device = new TapDevice({ name: `own${count}`, frames });
        assert.equal(device.isUp, false);
        device.close();
      }
      const device = new TapDevice({ name: TAP, frames });
      device.onReceive = (frame) => {
        frames.give(frame);
        device.close();
      };
      socket.send('ball', PORT, TWIN_ADDRESS);
      await until('every descriptor is closed', () => descriptors() === 0);
      assert.ok(!shell('ip link').includes('own'));
      assert.equal(frames.taken, 0);
      socket.close();
    },
  },
  {
    title: 'an error in a handler is an uncaught exception, and the next batch comes',
    prepare: [...deviceCommands('tun')],
    run: async () => {
      const device = new TapDevice({ name: TAP, kind: 'tun', frames });
      const errors: unknown[] = [];
      process.on('uncaughtException', (error) => errors.push(error.message));
      const socket = await bound();
      device.onBatchEnd = () => {
        device.onBatchEnd = () => undefined;
        reflect(device);
        throw new Error('of the handler');
      };
      socket.send('lost', PORT, TWIN_ADDRESS);
      await until('it is thrown', () => errors.length > 0);
      await expectEchoes(100);
      assert.deepEqual(errors, ['of the handler']);
    },
  },
  {
    title: 'a worker that ends closes its tunnel',
    prepare: deviceCommands(),
    run: async () => {
      const text = `
        import { TapDevice } from ${JSON.stringify(new URL('../../../dist/link/tap-node.js', import.meta.url).href)};
        import { FramePool } from ${JSON.stringify(new URL('../../../dist/netstack/frame.js', import.meta.url).href)};
        import { parentPort } from 'node:worker_threads';
        const device = new TapDevice({ name: '${TAP}', frames: new FramePool() });
        device.keepProcess(true);
        parentPort.postMessage('open');
        setInterval(() => undefined, 1000);`;
      const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(text)}`));
      await once(worker, 'message');
      assert.equal(descriptors(), 1);
      await worker.terminate();
      await until('the descriptor is closed', () => descriptors() === 0);
    },
  },
  {
    title: 'system calls that fail are repeated, or lose a packet as a wire does, or refuse the device',
    prepare: deviceCommands('tun'),
    run: async () => {
      const addon = injectingAddon();
      const open = (): TapDevice => new TapDevice({ name: TAP, kind: 'tun', frames, addon });
      for (const [call, name] of [
        ['open_tunnel', 'EMFILE'],
        ['set_tunnel', 'EPERM'],
        ['socket', 'ENFILE'],
        ['interface', 'ENODEV'],
      ] as const) {
        addon.clearFaults();
        inject(addon, call, name);
        assert.equal(codeOf(open), name, call);
        assert.equal(descriptors(), 0, call);
      }
      addon.clearFaults();
      const device = open();
      reflect(device);
      for (const name of ['EINTR', 'EAGAIN'] as const)
        inject(addon, 'read_packet', name, { nth: 2, times: 3 });
      inject(addon, 'write_packet', 'EINTR', { nth: 5 });
      await expectEchoes(200);
      assert.equal(device.refused, 0);
      addon.clearFaults();
      inject(addon, 'write_packet', 'EIO', { nth: 2 });
      const socket = await bound();
      let answers = 0;
      socket.on('message', () => (answers += 1));
      for (let count = 0; count < 3; count += 1) socket.send('ball', PORT, TWIN_ADDRESS);
      await until('two came back', () => answers === 2 && device.refused === 1);
      socket.close();
    },
  },
];
