/** Parses a script: its options, the commands at its head, its lines. */
import { parseCall } from './parse-call.js';
import { parsePacket } from './parse-packet.js';
import type { Action, Line, Script, When } from './script.js';
import { Tokens } from './tokens.js';

const MS = 1000;

function parseWhen(tokens: Tokens): When {
  if (tokens.take('*')) return { kind: 'any' };
  const isRelative = tokens.take('+');
  const atMs = tokens.number() * MS;
  if (!tokens.take('~')) return { kind: isRelative ? 'relative' : 'absolute', atMs };
  if (isRelative) tokens.expect('+');
  return { kind: isRelative ? 'relativeRange' : 'absoluteRange', atMs, endMs: tokens.number() * MS };
}

function parseAction(tokens: Tokens): Action {
  const kind = tokens.peek()?.kind;
  if (kind === 'command' || kind === 'code') return { kind, text: tokens.next().text };
  if (tokens.is('<') || tokens.is('>')) return parsePacket(tokens);
  return parseCall(tokens);
}

function parseLine(tokens: Tokens): Line {
  const number = tokens.line;
  const when = parseWhen(tokens);
  return { number, when, action: parseAction(tokens) };
}

/** Parses the text of a script. Throws `UnknownLine` at what is not understood. */
export function parseScript(name: string, source: string): Script {
  const tokens = new Tokens(source);
  const options = new Map<string, string>();
  while (tokens.peek()?.kind === 'option') {
    const [option = '', value = ''] = tokens.next().text.slice(2).split('=', 2);
    options.set(option, value);
  }
  const setUp: { line: number; text: string }[] = [];
  const lines: Line[] = [];
  while (!tokens.isAtEnd) {
    const { line } = tokens;
    if (tokens.peek()?.kind !== 'command') lines.push(parseLine(tokens));
    else if (lines.length === 0) setUp.push({ line, text: tokens.next().text });
    // The command at the end restores what the one at the head has changed.
    else tokens.next();
  }
  return { name, options, setUp, lines };
}
