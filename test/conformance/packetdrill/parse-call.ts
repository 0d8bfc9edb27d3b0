/** Parses a call: `read(4, ..., 1000) = -1 EAGAIN (Resource temporarily unavailable)`. */
import type { CallLine, Value } from './script.js';
import type { Tokens } from './tokens.js';

/** Functions of C that only change the order of bytes, or the form of an address. */
const FUNCTIONS = ['htons', 'htonl', 'inet_addr', 'inet6_addr'];

function parseList(tokens: Tokens, close: string): Value[] {
  const items: Value[] = [];
  if (tokens.take(close)) return items;
  do items.push(parseValue(tokens));
  while (tokens.take(','));
  tokens.expect(close);
  return items;
}

/** Parses the inside of braces: fields with names, which may have a size, and values without. */
function parseStruct(tokens: Tokens): Value {
  const fields = new Map<string, Value>();
  const items: Value[] = [];
  if (tokens.take('}')) return { kind: 'struct', fields, items };
  do {
    if (tokens.is('}')) break;
    const name = tokens.peek();
    const behind = tokens.peek(1)?.text;
    if (name?.kind === 'word' && (behind === '=' || (behind === '(' && !FUNCTIONS.includes(name.text)))) {
      tokens.next();
      if (tokens.take('(')) parseList(tokens, ')');
      tokens.expect('=');
      fields.set(name.text, parseValue(tokens));
    } else {
      items.push(parseValue(tokens));
    }
  } while (tokens.take(','));
  tokens.expect('}');
  return { kind: 'struct', fields, items };
}

function parseNames(tokens: Tokens, first: string): Value {
  const names = [first];
  while (tokens.take('|')) names.push(tokens.next().text);
  return { kind: 'names', names };
}

function parseValue(tokens: Tokens): Value {
  if (tokens.take('...')) return { kind: 'any' };
  if (tokens.take('[')) return { kind: 'list', items: parseList(tokens, ']') };
  if (tokens.take('{')) return parseStruct(tokens);
  const token = tokens.next();
  if (token.kind === 'number') return { kind: 'number', value: Number(token.text) };
  if (token.kind === 'text') return { kind: 'text', text: token.text };
  if (token.kind !== 'word') return tokens.fail(`'${token.text}' where a value is expected`);
  if (FUNCTIONS.includes(token.text) && tokens.take('(')) {
    const value = parseValue(tokens);
    tokens.expect(')');
    return value;
  }
  return parseNames(tokens, token.text);
}

/** Skips a note in parentheses: the text of an error. */
function skipNote(tokens: Tokens): void {
  if (!tokens.take('(')) return;
  for (let depth = 1; depth > 0;) {
    const { text } = tokens.next();
    if (text === '(') depth += 1;
    else if (text === ')') depth -= 1;
  }
}

export function parseCall(tokens: Tokens): CallLine {
  const endMs = tokens.take('...') ? tokens.number() * 1000 : undefined;
  const name = tokens.next().text;
  tokens.expect('(');
  const args = parseList(tokens, ')');
  tokens.expect('=');
  const result = parseValue(tokens);
  const next = tokens.peek();
  const error = next?.kind === 'word' && /^E[A-Z0-9]+$/.test(next.text) ? tokens.next().text : undefined;
  skipNote(tokens);
  return { kind: 'call', name, args, result, error, endMs };
}
