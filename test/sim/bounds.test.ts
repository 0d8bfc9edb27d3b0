/** Tables of switches, networks and logs: what they hold, and what becomes of one more. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Link } from '#src/link/link.js';
import { MOST_LOG_LINES } from '#src/link/link-log.js';
import { MOST_CONNECTIONS, PacketLines } from '#src/link/packet-line.js';
import { PacketView } from '#src/link/packet-view.js';
import { MOST_LEARNED, MOST_PORTS, Switch } from '#src/link/switch.js';
import { Timeline } from '#src/link/timeline.js';
import { FramePool } from '#src/netstack/frame.js';
import { MOST_HOSTS, Network } from '#src/sim/network.js';
import { SeededRandom } from '#src/support/seeded-random.js';
import { ipv4Packet, Testbed } from './testbed.js';

const ETHERNET_BYTES = 14;

class SwitchBed {
  readonly timeline = new Timeline();
  readonly frames = new FramePool();
  readonly ports = new Switch(this.frames);
  readonly links: Link[] = [];
  /** Frames that each host has received. */
  readonly received: number[] = [];

  addPort(): void {
    const number = this.links.length;
    const link = new Link(
      [
        { name: `host ${number}`, hostId: number },
        { name: 'switch', hostId: -1 },
      ],
      { medium: 'ethernet' },
      {
        name: `link ${number}`,
        timeline: this.timeline,
        frames: this.frames,
        random: SeededRandom.of(number),
      },
    );
    this.ports.addPort(link.forward, link.backward);
    this.links.push(link);
    this.received.push(0);
    link.backward.port = {
      receive: (frame) => {
        this.received[number] = (this.received[number] ?? 0) + 1;
        this.frames.give(frame);
      },
    };
  }

  /** Has a host send an empty frame between two addresses. */
  send(host: number, from: number, to: number): void {
    const frame = this.frames.take(ETHERNET_BYTES);
    frame.end = frame.start + ETHERNET_BYTES;
    frame.bytes.fill(0, frame.start, frame.end);
    frame.bytes[frame.start] = 2;
    frame.bytes[frame.start + 6] = 2;
    frame.view.setUint32(frame.start + 2, to);
    frame.view.setUint32(frame.start + 8, from);
    this.links[host]?.forward.transmit(frame);
    for (let event = this.timeline.take(); event !== undefined; event = this.timeline.take()) event.occur();
  }
}

describe('a switch', () => {
  it('forgets the address that it has learned first when it learns one more than it can', () => {
    const bed = new SwitchBed();
    for (let count = 0; count < 3; count += 1) bed.addPort();
    for (let address = 1; address <= MOST_LEARNED; address += 1) bed.send(0, address, 0xffff);
    bed.received.fill(0);
    // The sender's own address is learned already.
    bed.send(0, 1, 0xffff);
    assert.deepEqual(bed.received, [0, 1, 1]);
    bed.received.fill(0);
    bed.send(1, MOST_LEARNED, 1);
    assert.deepEqual(bed.received, [1, 0, 0]);
    bed.send(1, MOST_LEARNED + 1, 1);
    assert.deepEqual(bed.received, [2, 0, 1]);
    bed.send(1, MOST_LEARNED, 3);
    assert.deepEqual(bed.received, [3, 0, 1]);
  });

  it('has its number of ports, and refuses one more', () => {
    const bed = new SwitchBed();
    for (let count = 0; count < MOST_PORTS; count += 1) bed.addPort();
    assert.throws(() => {
      bed.addPort();
    }, /a LAN has at most 4096 hosts/);
  });
});

it('a network has its number of hosts, and refuses one more', () => {
  const mostHosts = 3;
  const network = new Network({ seed: 1, mostHosts });
  for (let count = 0; count < mostHosts; count += 1) network.host(`host ${count}`);
  assert.throws(() => network.host('one more'), /a network has at most 3 hosts/);
  assert.equal(MOST_HOSTS, 65_536);
});

describe('a log', () => {
  it('keeps its number of lines, and counts those that it forgets', () => {
    const bed = new Testbed();
    const log = bed.link.log();
    for (let sent = 0; sent < MOST_LOG_LINES; sent += 1000) {
      bed.send(1000, 20);
      bed.runTo(bed.timeline.nowNs + 1);
    }
    assert.deepEqual([log.lines.length, log.forgotten], [MOST_LOG_LINES, 0]);
    const [first, second] = log.lines;
    bed.send(1, 20);
    assert.deepEqual([log.lines.length, log.forgotten, log.lines[0] === second], [MOST_LOG_LINES, 1, true]);
    assert.match(first ?? '', /^0\.000000 a > b/);
  });

  it('knows the sequence numbers of its number of connections, and forgets the first for one more', () => {
    const frames = new FramePool();
    const lines = new PacketLines();
    const view = new PacketView('ip');
    const lineOf = (connection: number, sequence: number): string => {
      const from = [0x0a00_0000 + connection, 1] as const;
      const frame = ipv4Packet(frames, { from, sequence, flags: 0x08, payload: Uint8Array.of(0) });
      const line = lines.line(0, view.read(frame));
      frames.give(frame);
      return line;
    };
    for (let connection = 0; connection < MOST_CONNECTIONS; connection += 1) lineOf(connection, 1000);
    assert.match(lineOf(0, 1005), / seq 5:6,/);
    lineOf(MOST_CONNECTIONS, 1000);
    assert.match(lineOf(1, 1005), / seq 5:6,/);
    assert.match(lineOf(0, 1010), / seq 0:1,/);
  });
});
