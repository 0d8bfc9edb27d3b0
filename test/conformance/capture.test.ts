/** What tshark says of the packets of the scripts. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { PROFILES } from '#src/netstack/profile.js';
import { ROOT } from '../docs/pages.js';
import { makeNetStack } from './packetdrill/net-stack.js';
import { playScript } from './packetdrill/play-script.js';
import { DEFAULTS } from './packetdrill/settings.js';

const SCRIPTS = join(ROOT, 'test', 'conformance', 'scripts');
/** Link type of packets that begin with an IP header (pcap's LINKTYPE_RAW). */
const LINKTYPE_RAW = 101;
const MICROSECONDS = 0xa1b2c3d4;
const SNAP_LENGTH = 65_535;

/** Returns a file of libpcap's format. */
function pcapOf(packets: readonly Uint8Array[]): Buffer {
  const head = Buffer.alloc(24);
  head.writeUInt32LE(MICROSECONDS, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(SNAP_LENGTH, 16);
  head.writeUInt32LE(LINKTYPE_RAW, 20);
  const records = packets.flatMap((packet, index) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(index, 0);
    record.writeUInt32LE(packet.length, 8);
    record.writeUInt32LE(packet.length, 12);
    return [record, packet];
  });
  return Buffer.concat([head, ...records]);
}

/** Returns the packets that the stack sends while it plays the scripts of a profile. */
function packetsOfScripts(profile: 'linux' | 'esp32'): Uint8Array[] {
  const packets: Uint8Array[] = [];
  const base = PROFILES[profile];
  const make = makeNetStack(profile === 'linux' ? { ...base, tcp: DEFAULTS } : base, 1);
  for (const name of readdirSync(join(SCRIPTS, profile))) {
    const source = readFileSync(join(SCRIPTS, profile, name), 'utf8');
    playScript(name, source, {
      isExact: true,
      makeStack: (options) =>
        make({
          ...options,
          onSent: (bytes) => {
            packets.push(bytes);
            options.onSent(bytes);
          },
        }),
    });
  }
  return packets;
}

const hasTshark = spawnSync('tshark', ['--version'], { stdio: 'ignore' }).status === 0;

describe('captures in tshark', { skip: hasTshark ? false : 'tshark is not installed' }, () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'captures-'));
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const profile of ['linux', 'esp32'] as const) {
    it(`${profile}: no packet is malformed, and no checksum wrong`, () => {
      const packets = packetsOfScripts(profile);
      const file = join(folder, `${profile}.pcap`);
      writeFileSync(file, pcapOf(packets));
      const read = (filter: string): string[] => {
        const checks = ['-o', 'tcp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE'];
        const args = ['-r', file, '-n', ...checks, '-Y', filter, '-T', 'fields', '-e', 'frame.number'];
        const text = execFileSync('tshark', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
        return text.split('\n').filter((line) => line !== '');
      };
      assert.deepEqual(read('_ws.malformed || tcp.checksum.status == 0 || ip.checksum.status == 0'), []);
      assert.equal(read('tcp').length, packets.length);
    });
  }
});
