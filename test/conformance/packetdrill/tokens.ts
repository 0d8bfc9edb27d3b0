/** Cuts the text of a script into tokens, each with its line. */

export type TokenKind = 'word' | 'number' | 'text' | 'command' | 'code' | 'option' | 'symbol';

export interface Token {
  readonly kind: TokenKind;
  /** Without quotes and marks. */
  readonly text: string;
  readonly line: number;
}

/** A line that the interpreter does not understand: its script is skipped. */
export class UnknownLine extends Error {
  readonly line: number;

  constructor(line: number, reason: string) {
    super(reason);
    this.line = line;
  }
}

/** The kinds of tokens, the first that matches counts; the first two are left out. */
const RULES: readonly [TokenKind | undefined, RegExp][] = [
  [undefined, /\s+/y],
  [undefined, /\/\/[^\n]*|\/\*[\s\S]*?\*\//y],
  ['code', /%\{[\s\S]*?\}%/y],
  ['command', /`(?:\\.|[^`])*`/y],
  ['text', /"(?:\\.|[^"])*"/y],
  ['option', /--[A-Za-z0-9_]+(?:=[^\s`"]+)?/y],
  ['symbol', /\.\.\./y],
  ['number', /0x[0-9a-fA-F]+(?![A-Za-z0-9_])/y],
  ['number', /-?[0-9]*\.[0-9]+(?![A-Za-z0-9_])/y],
  ['number', /-?[0-9]+(?![A-Za-z0-9_])/y],
  ['word', /[A-Za-z0-9_]+/y],
  ['symbol', /[^\s]/y],
];

const MARKS: Readonly<Record<string, number>> = { code: 2, command: 1, text: 1, option: 0 };

function textOf(kind: TokenKind, match: string): string {
  const marks = MARKS[kind] ?? 0;
  return match.slice(marks, match.length - marks);
}

export function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  for (let at = 0; at < source.length;) {
    const start = at;
    for (const [kind, pattern] of RULES) {
      pattern.lastIndex = at;
      const match = pattern.exec(source)?.[0];
      if (match === undefined) continue;
      at += match.length;
      if (kind !== undefined) tokens.push({ kind, text: textOf(kind, match), line });
      line += match.split('\n').length - 1;
      break;
    }
    if (at === start) throw new UnknownLine(line, `no token begins with '${source.slice(at, at + 10)}'`);
  }
  return tokens;
}

/** The tokens of a script from a place on. */
export class Tokens {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(source: string) {
    this.#tokens = tokensOf(source);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#tokens.length;
  }

  /** The line of the next token. */
  get line(): number {
    return (this.#tokens[this.#at] ?? this.#tokens.at(-1))?.line ?? 1;
  }

  /** Returns the token `ahead` places behind the next one, which is at 0. */
  peek(ahead = 0): Token | undefined {
    return this.#tokens[this.#at + ahead];
  }

  next(): Token {
    const token = this.#tokens[this.#at];
    if (token === undefined) return this.fail('the script ends in the middle of a line');
    this.#at += 1;
    return token;
  }

  /** Returns true if the next token is this word or symbol. */
  is(text: string): boolean {
    const token = this.peek();
    return token?.text === text && (token.kind === 'symbol' || token.kind === 'word');
  }

  /** Takes the next token if it is this word or symbol. */
  take(text: string): boolean {
    const found = this.is(text);
    if (found) this.#at += 1;
    return found;
  }

  expect(text: string): void {
    if (!this.take(text)) this.fail(`'${this.peek()?.text ?? 'the end'}' stands where '${text}' is expected`);
  }

  /** Takes the next token, which is a number. */
  number(): number {
    const token = this.next();
    if (token.kind !== 'number') throw new UnknownLine(token.line, `'${token.text}' is not a number`);
    return Number(token.text);
  }

  fail(reason: string): never {
    throw new UnknownLine(this.line, reason);
  }
}
