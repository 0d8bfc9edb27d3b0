/**
 * Malformed packets: no exception, no reset in answer to a reset, nothing lost of the pool of frames, and
 * each packet that is broken is counted. ASYNCTCP_MUTANTS is the number of packets, ASYNCTCP_SEED their seed.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { PROFILES, type ProfileName } from '#src/netstack/profile.js';
import { ROOT } from '../../docs/pages.js';
import { Random } from '../../support/random.js';
import { decodeSegment, encodeSegment, type Segment } from '../packetdrill/segment.js';
import { mutantOf, type Target } from './mutator.js';
import { Victim } from './victim.js';

const MUTANTS = Number(process.env['ASYNCTCP_MUTANTS'] ?? 500);
const SEED = Number(process.env['ASYNCTCP_SEED'] ?? 1);
/** Packets after which the connection is made anew, so that most of them meet one that lives. */
const PER_CONNECTION = 10;
/** Time after which nothing is left of a connection whose peer is silent. */
const FORGOTTEN_MS = 200_000;
const SCAPY = join(ROOT, 'test', 'conformance', 'malformed', 'scapy-packets.py');

/** Returns the segment of a packet that a stack would accept; `undefined` if it is malformed. */
function segmentOf(bytes: Uint8Array): Segment | undefined {
  try {
    return decodeSegment(bytes);
  } catch {
    return undefined;
  }
}

/** Gives a packet to the host, and checks what follows. */
function give(victim: Victim, bytes: Uint8Array): void {
  // What the host has sent meanwhile is well-formed.
  for (const packet of victim.sent.splice(0)) decodeSegment(packet);
  victim.receive(bytes);
  const answers = victim.sent.map((packet) => decodeSegment(packet));
  const isReset = segmentOf(bytes)?.flags.includes('R') === true;
  const resets = answers.filter((answer) => answer?.flags.includes('R'));
  assert.equal(isReset ? resets.length : 0, 0, 'no reset answers a reset');
  assert.ok(resets.length <= 1, 'one packet has one reset in answer');
}

/** Plays packets, each followed by a while; the host must still open a connection at the end. */
function play(
  profile: ProfileName,
  packetsFor: (target: Target, count: number) => readonly Uint8Array[],
): void {
  const victim = new Victim(PROFILES[profile], SEED);
  for (let played = 0; played < MUTANTS; played += PER_CONNECTION) {
    const target = victim.connect();
    for (const bytes of packetsFor(target, Math.min(PER_CONNECTION, MUTANTS - played))) {
      give(victim, bytes);
      victim.run(50);
    }
    victim.closeAll();
    // Connections that a packet has half opened at a later port end.
    victim.run(FORGOTTEN_MS);
  }
  victim.connect();
  victim.closeAll();
  victim.run(FORGOTTEN_MS);
  assert.equal(victim.framesTaken, 0, 'all frames are back');
}

/** Returns the Python that has scapy. */
function pythonWithScapy(): string | undefined {
  return ['python3', '/usr/bin/python3'].find(
    (python) => spawnSync(python, ['-c', 'import scapy'], { stdio: 'ignore' }).status === 0,
  );
}

const python = pythonWithScapy();

for (const profile of ['linux', 'esp32'] as const) {
  describe(`malformed packets: ${profile}`, () => {
    it(`${MUTANTS} changed segments of seed ${SEED} do no harm`, () => {
      const random = new Random(SEED, 7);
      play(profile, (target, count) => Array.from({ length: count }, () => mutantOf(target, random).bytes));
    });

    it('a packet that is broken is counted as dropped', () => {
      const random = new Random(SEED, 8);
      const victim = new Victim(PROFILES[profile], SEED);
      const target = victim.connect();
      let broken = 0;
      for (let made = 0; made < MUTANTS; made += 1) {
        const mutant = mutantOf(target, random);
        if (!mutant.isBroken || segmentOf(mutant.bytes) !== undefined) continue;
        const before = victim.dropped;
        victim.receive(mutant.bytes);
        // Bytes behind the packet's own length are padding: such a packet may be whole.
        if (segmentOf(mutant.bytes.subarray(0, victim.lengthOf(mutant.bytes))) !== undefined) continue;
        broken += 1;
        assert.equal(victim.dropped, before + 1, `the packet ${Buffer.from(mutant.bytes).toString('hex')}`);
      }
      assert.ok(broken > MUTANTS / 10);
    });

    it(
      `${MUTANTS} packets of scapy do no harm`,
      { skip: python === undefined ? 'scapy is not installed (Debian: python3-scapy)' : false },
      () => {
        let made: Uint8Array[] | undefined;
        play(profile, (target, count) => {
          made ??= packetsOfScapy(python ?? '', target);
          return made.splice(0, count);
        });
      },
    );
  });
}

function packetsOfScapy(python: string, target: Target): Uint8Array[] {
  const { source, destination, sourcePort, destinationPort, seq, ack } = target;
  const args = [
    MUTANTS,
    SEED,
    source.join('.'),
    destination.join('.'),
    sourcePort,
    destinationPort,
    seq,
    ack,
  ];
  const { stdout } = spawnSync(python, [SCAPY, ...args.map(String)], { encoding: 'utf8' });
  const lines = stdout.trim().split('\n');
  assert.equal(lines.length, MUTANTS);
  return lines.map((line) => Uint8Array.from(Buffer.from(line, 'hex')));
}

describe('packets from where no peer can be', () => {
  for (const source of [
    [0, 0, 0, 0],
    [255, 255, 255, 255],
    [224, 0, 0, 1],
    [127, 0, 0, 1],
    [10, 0, 0, 1],
    [10, 0, 0, 255],
  ]) {
    it(`a SYN from ${source.join('.')} is dropped without an answer`, () => {
      const victim = new Victim(PROFILES.linux, SEED);
      const segment: Segment = {
        source,
        destination: victim.target.destination,
        sourcePort: 40_000,
        destinationPort: victim.target.destinationPort,
        ecn: 0,
        seq: 0,
        ack: 0,
        flags: 'S',
        window: 1000,
        urgent: 0,
        options: [],
        data: new Uint8Array(0),
      };
      victim.receive(encodeSegment(segment));
      victim.run(5000);
      assert.equal(victim.sent.length, 0);
      assert.equal(victim.dropped, 1);
    });
  }
});
