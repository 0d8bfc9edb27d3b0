/**
 * Compares two runs of one program: what node:net's socket showed, and what the same program saw on a stack.
 * Two runs of node:net differ as well if events of the network cross: then a few more runs of each are made,
 * and one of the one kind must equal one of the other.
 */
import { play, type Observed, type Seen, type World } from './play.js';
import type { Program } from './program.js';
import { plain } from './worlds.js';

/** Runs of each kind that are made at most. */
const ATTEMPTS = 8;

const OF_SYSTEMS_WRITE = /^(error|(write|end) \d+ done) .* write \(write E/;

/** Returns true if node:net's `write` has met the failure of the connection. */
function hasFailedWrite({ log }: Seen): boolean {
  return log.some((line) => OF_SYSTEMS_WRITE.test(line));
}

/**
 * Returns the lines that are compared. Once the connection has failed, node:net's `write` may know it at
 * once. A stack may have taken the bytes and learn of the failure later in the turn: it is an error of the
 * socket all the same, and no more than that is compared.
 */
function comparableLines({ log, comparable }: Seen, comparesWrites: boolean): string[] {
  const lines = withoutMoreData(log.slice(0, comparable));
  if (comparesWrites) return lines;
  return lines
    .filter((line) => !/^(write|end) ?(\d+ done|:)|^(drain|prefinish|finish)$/.test(line))
    .map((line) => line.replace(/,"(bytesWritten|writableLength|writableFinished|writableEnded)":\w+/g, ''));
}

/** Keeps the first line of data after each state: the pieces that follow are the network's. */
function withoutMoreData(lines: readonly string[]): string[] {
  let hasData = false;
  return lines.filter((line) => {
    if (line.startsWith('{')) hasData = false;
    const isMore = line === 'data' && hasData;
    if (line === 'data') hasData = true;
    return !isMore;
  });
}

function isPrefix(one: readonly string[], other: readonly string[]): boolean {
  return one.every((line, index) => line === other[index]);
}

const IS_READING = /^(data|end)$|^(end of|iterator)/;
const IS_WRITING = /^(write|end) \d|^(prefinish|finish)/;
/** What a write returned, and so 'drain', depends on how much a stack takes at once. */
const DIFFERS = /^(write: |drain)/;

/** The parts of a log whose events come in one order on every stack. */
const LANES: readonly ((line: string) => boolean)[] = [
  (line) => IS_READING.test(line),
  (line) => IS_WRITING.test(line) || line.startsWith('close'),
  (line) => !IS_READING.test(line) && !IS_WRITING.test(line) && !DIFFERS.test(line),
];

function lanesOf(lines: readonly string[]): string[][] {
  return LANES.map((isOfLane) => lines.filter(isOfLane));
}

/** Returns true if two ends have seen the same, as far as both logs are comparable. */
function areAlike(one: Seen, other: Seen, isOrdered: boolean): boolean {
  const isCut = one.comparable < one.log.length || other.comparable < other.log.length;
  const comparesWrites = !hasFailedWrite(one) && !hasFailedWrite(other);
  const [a, b] = [one, other].map((seen) => {
    const lines = comparableLines(seen, comparesWrites);
    return isOrdered ? [lines] : lanesOf(lines);
  });
  return a !== undefined && b !== undefined && a.every((lane, index) => agree(lane, b[index] ?? [], isCut));
}

/** Returns true if two lists are equal, or if `isCut` and one begins with the other. */
function agree(a: readonly string[], b: readonly string[], isCut: boolean): boolean {
  if (!isCut) return a.length === b.length && isPrefix(a, b);
  return a.length < b.length ? isPrefix(a, b) : isPrefix(b, a);
}

/** Returns true if a program looked the same on node:net and in a world. */
export function areSame(onNode: Observed, other: Observed, { isOrdered, peerIsNodes }: World): boolean {
  // Node reports EINVAL for a reset while it shuts down, and never closes such a socket.
  if (onNode.subject.log.some((line) => line.startsWith('error Error EINVAL -22 reset'))) return true;
  const isSame = areAlike(onNode.subject, other.subject, isOrdered);
  return isSame && (!peerIsNodes || areAlike(onNode.peer, other.peer, isOrdered));
}

/** Returns what no socket may ever show, however events cross. */
export function faultsOf({ log }: Seen): string[] {
  const count = (name: string): number => log.filter((line) => line.split(' ')[0] === name).length;
  const faults = log.filter((line) => /wrong bytes|called back (again|late)|no rest/.test(line));
  for (const name of ['connect', 'ready', 'end', 'finish', 'error', 'close']) {
    if (count(name) - (name === 'end' ? log.filter((line) => /^end \d+ done/.test(line)).length : 0) > 1)
      faults.push(`${name} more than once`);
  }
  return faults;
}

/** How a comparison ended. `difference`: a text of both logs; `undefined`: they are the same. */
export interface Comparison {
  readonly attempts: number;
  readonly difference: string | undefined;
}

/** Returns a program that acts only at rest: reading and writing do not cross. */
function oneByOne(program: Program): Program {
  return { ...program, hooks: [], steps: program.steps.map((step) => ({ ...step, wait: 'rest' })) };
}

/** Plays a program on node:net alone and in a world. */
export async function compare(world: World, drawn: Program): Promise<Comparison> {
  const program = world.isOrdered ? drawn : oneByOne(drawn);
  const onNode: Observed[] = [];
  const onStack: Observed[] = [];
  for (let attempts = 1; attempts <= ATTEMPTS; attempts += 1) {
    onNode.push(await play(plain, program));
    const observed = await play(world, program);
    onStack.push(observed);
    const faults = faultsOf(observed.subject);
    if (faults.length > 0) return { attempts, difference: `${faults.join()}\n${shownLog(observed.subject)}` };
    if (onNode.some((one) => onStack.some((other) => areSame(one, other, world))))
      return { attempts, difference: undefined };
  }
  return { attempts: ATTEMPTS, difference: differenceOf(onNode[0], onStack[0], world) };
}

function shownLog({ log }: Seen): string {
  return log.map((line) => `    ${line}`).join('\n');
}

function differenceOf(onNode: Observed | undefined, onStack: Observed | undefined, world: World): string {
  if (onNode === undefined || onStack === undefined) return 'nothing was played';
  const who = areAlike(onNode.subject, onStack.subject, world.isOrdered) ? 'peer' : 'subject';
  return `${who} with node:net:\n${shownLog(onNode[who])}\n${who} on the stack:\n${shownLog(onStack[who])}`;
}
