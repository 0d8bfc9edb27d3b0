/** Parses what follows the time of a packet's line: `< S 0:0(0) win 32792 <mss 1000>`. */
import { parseOptions } from './options.js';
import type { Ecn, PacketLine } from './script.js';
import type { Tokens } from './tokens.js';

const ECN: readonly Ecn[] = ['noecn', 'ect0', 'ect1', 'ect01', 'ce'];

function parseEcn(tokens: Tokens): Ecn | undefined {
  const close = tokens.take('[') ? ']' : tokens.take('(') ? ')' : undefined;
  if (close === undefined) return undefined;
  const name = tokens.next().text;
  const ecn = ECN.find((known) => known === name);
  if (ecn === undefined) return tokens.fail(`the mark ${name} of IP`);
  tokens.expect(close);
  return ecn;
}

/** Parses flags: `S.`, `.`, `FP.`, or `-` for none. */
function parseFlags(tokens: Tokens): string {
  if (tokens.take('-')) return '';
  const token = tokens.peek();
  let flags = '';
  if (token?.kind === 'word') {
    flags = tokens.next().text;
    if (!/^[FSRPUEW]+$/.test(flags)) return tokens.fail(`the packet ${flags}`);
  }
  if (tokens.take('.')) flags += '.';
  if (flags === '') return tokens.fail(`'${token?.text ?? 'the end'}' where flags are expected`);
  return flags;
}

function optionalNumber(tokens: Tokens, name: string): number | undefined {
  return tokens.take(name) ? tokens.number() : undefined;
}

export function parsePacket(tokens: Tokens): PacketLine {
  const direction = tokens.take('<') ? 'in' : 'out';
  if (direction === 'out') tokens.expect('>');
  const ecn = parseEcn(tokens);
  const flags = parseFlags(tokens);
  const seq = tokens.number();
  tokens.expect(':');
  const end = tokens.number();
  tokens.expect('(');
  const length = tokens.number();
  tokens.expect(')');
  if (((seq + length) | 0) !== (end | 0)) tokens.fail(`the packet ${seq}:${end} has not ${length} bytes`);
  const ack = optionalNumber(tokens, 'ack');
  const window = optionalNumber(tokens, 'win');
  const urgent = optionalNumber(tokens, 'urg') ?? 0;
  const options = parseOptions(tokens);
  if (options === undefined && direction === 'in') tokens.fail('a packet to the stack with any options');
  return { kind: 'packet', direction, ecn, flags, seq, length, ack, window, urgent, options };
}
