/** Tests that are scripts: the way into a state of TCP, and what is to happen there. */
import { fail } from 'node:assert/strict';
import { it } from 'node:test';
import { PROFILES, type ProfileName } from '#src/netstack/profile.js';
import { makeNetStack } from '../packetdrill/net-stack.js';
import { describeResult, playScript } from '../packetdrill/play-script.js';
import { DEFAULTS } from '../packetdrill/settings.js';

const SEED = 1;
/**
 * Numbers with which the script's peer begins. The second and the third make the sequence numbers pass 2³¹
 * and 2³² within the first bytes.
 */
const REMOTE_STARTS = [0, 0x7fff_fffe, 0xffff_fffe];

/** Returns what is wrong with the stack in the eyes of a script; `undefined` if nothing is. */
export function faultsOf(name: string, source: string, profile: ProfileName): string | undefined {
  const base = PROFILES[profile];
  const makeStack = makeNetStack(profile === 'linux' ? { ...base, tcp: DEFAULTS } : base, SEED);
  for (const remoteStart of REMOTE_STARTS) {
    const result = playScript(name, source, { makeStack, isExact: true, remoteStart });
    if (result.outcome !== 'passed') return `beginning with ${remoteStart}: ${describeResult(result)}`;
    if (result.unanswered.length > 0) return `${name} asks for ${result.unanswered.join(', ')}`;
  }
  return undefined;
}

/** A test of the `linux` profile that plays lines behind those that lead to a state. */
export function plays(title: string, way: string, lines: string): void {
  playsAs('linux', title, way, lines);
}

/** A test of what the stack does not do yet; its failure is shown, and fails no run. */
export function willPlay(title: string, todo: string, way: string, lines: string): void {
  playsAs('linux', title, way, lines, todo);
}

export function playsAs(
  profile: ProfileName,
  title: string,
  way: string,
  lines: string,
  todo: string | false = false,
): void {
  it(title, { todo }, () => {
    const source = `${way}\n${lines}\n`;
    const faults = faultsOf(title, source, profile);
    if (faults !== undefined) fail(`${faults}\n\n${numbered(source)}`);
  });
}

function numbered(source: string): string {
  return source
    .split('\n')
    .map((line, index) => `${String(index + 1).padStart(3)} ${line}`)
    .join('\n');
}
