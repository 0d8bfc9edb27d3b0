/** Captures are pcapng that tshark reads. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { AsyncClient, AsyncServer } from '#src/index.js';
import { Network } from '#src/sim/network.js';
import { unlessInstalled } from '../e2e/programs.js';

async function captured(isAtDevice = false): Promise<Uint8Array> {
  const network = new Network({ seed: 5 });
  const device = network.host('device', { address: ['10.0.0.2', 'fd00::2'] });
  const gateway = network.host('gateway', { address: ['10.0.0.1', 'fd00::1'] });
  const pieces: Uint8Array[] = [];
  const at = isAtDevice ? { at: device } : {};
  const capture = network.capture((bytes) => pieces.push(bytes.slice()), at);
  const link = network.link(device, gateway, { delayMs: 10.000001 });
  const lan = network.lan('lan', { hosts: [device, gateway] });
  lan.linkOf(device).set({ delayMs: 1 });
  const server = new AsyncServer(80, { stack: gateway.stack });
  server.onClient((client) => {
    client.onData((_client, data) => void client.write(data));
  });
  void server.begin();
  link.dropNext((packet) => packet.payloadBytes > 0);
  for (const address of ['10.0.0.1', 'fd00::1']) {
    const client = new AsyncClient({ stack: device.stack });
    client.onConnect(() => void client.write('hello'));
    client.connect(address, 80);
  }
  await network.run(5000);
  capture.stop();
  return Buffer.concat(pieces);
}

/** A packet of a capture: the name of its interface, and its bytes. */
interface Captured {
  readonly on: string;
  readonly packet: string;
}

/** Reads blocks of pcapng. */
function packetsOf(bytes: Uint8Array): Captured[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const names: string[] = [];
  const packets: Captured[] = [];
  for (let at = 0; at < bytes.length; at += view.getUint32(at + 4, true)) {
    const type = view.getUint32(at, true);
    const text = (start: number, length: number): string =>
      Buffer.from(bytes.subarray(start, start + length)).toString('latin1');
    if (type === 1) names.push(text(at + 20, view.getUint16(at + 18, true)));
    if (type !== 6) continue;
    const on = names[view.getUint32(at + 8, true)] ?? '';
    packets.push({ on, packet: text(at + 28, view.getUint32(at + 20, true)) });
  }
  return packets;
}

describe('a capture', () => {
  it('of a network has each packet when it leaves and when it arrives, that of a host has it once', async () => {
    const both = packetsOf(await captured());
    const atDevice = packetsOf(await captured(true));
    const ofDevice = (packets: Captured[]): Captured[] =>
      packets.filter(({ on }) => on.startsWith('device on '));
    assert.ok(atDevice.length > 10);
    assert.deepEqual(atDevice, ofDevice(both));
    assert.deepEqual([...new Set(atDevice.map(({ on }) => on))].sort(), [
      'device on device - gateway',
      'device on device - lan',
    ]);
    const leaving = both.filter(({ on }) => on === 'gateway on device - gateway').length;
    assert.ok(both.length > atDevice.length + leaving);
  });

  it('is at a host of its network', () => {
    const network = new Network({ seed: 1 });
    const capture = (options: object): unknown => network.capture(() => undefined, options);
    const message = /^TypeError: a capture is at a host of its network$/;
    assert.throws(() => capture({ at: 'device' }), message);
    assert.throws(() => capture({ at: new Network({ seed: 1 }).host('device') }), message);
    assert.throws(
      () => capture({ host: 'device' }),
      /^TypeError: a capture has no option host; its options are at$/,
    );
  });

  it('begins with the section, its seed and the interfaces of both ends', async () => {
    const bytes = await captured();
    const text = new TextDecoder('latin1').decode(bytes);
    assert.equal(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0), 0x0a0d_0d0a);
    for (const part of ['seed 5', 'device on device - gateway', 'gateway on device - gateway', 'dropped']) {
      assert.ok(text.includes(part), part);
    }
  });

  it('is read by tshark without a complaint', { skip: unlessInstalled('tshark') }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'asynctcp-'));
    try {
      const file = join(folder, 'capture.pcapng');
      writeFileSync(file, await captured());
      const fields = ['frame.time_epoch', 'frame.interface_name', 'frame.comment', 'tcp.flags'];
      const checks = ['-o', 'tcp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE'];
      const read = (...args: string[]): string =>
        execFileSync('tshark', ['-r', file, ...args], { encoding: 'utf8' });
      const lines = read('-T', 'fields', ...fields.flatMap((field) => ['-e', field])).split('\n');
      assert.ok(
        lines.some((line) => /^1735689600\.010000001\tgateway on device - gateway\t\t0x0*2$/.test(line)),
      );
      assert.ok(lines.some((line) => line.includes('dropped\tdevice > gateway: rule')));
      const bad = '_ws.malformed || tcp.checksum.status == "Bad" || ip.checksum.status == "Bad"';
      assert.equal(read(...checks, '-Y', bad), '');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
