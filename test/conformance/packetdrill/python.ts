/**
 * The Python of scripts: assignments, `assert`, `print`, and expressions of whole numbers with comparisons in
 * a row. Names keep their values from one piece of code to the next.
 */
import { UnknownLine } from './tokens.js';

/** A name that has no value. */
export class UnknownName extends Error {
  readonly variable: string;

  constructor(variable: string) {
    super(`the name ${variable} has no value`);
    this.variable = variable;
  }
}

export class FailedAssertion extends Error {}

const TOKEN = /\s*(0x[0-9a-fA-F]+|\d+|[A-Za-z_]\w*|'[^']*'|"[^"]*"|==|!=|<=|>=|\/\/|<<|>>|[-+*/%<>&|^~(),])/y;

/** Operators of two sides by their rank, the loosest first. All group to the left. */
const BINARY: readonly (readonly string[])[] = [
  ['|'],
  ['^'],
  ['&'],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '//', '/', '%'],
];
const COMPARISONS = ['==', '!=', '<=', '>=', '<', '>'];

function binary(operator: string, one: number, other: number): number {
  switch (operator) {
    case '|':
      return (one | other) >>> 0;
    case '^':
      return (one ^ other) >>> 0;
    case '&':
      return (one & other) >>> 0;
    case '<<':
      return one * 2 ** other;
    case '>>':
    case '//':
      return Math.floor(operator === '//' ? one / other : one / 2 ** other);
    case '+':
      return one + other;
    case '-':
      return one - other;
    case '*':
      return one * other;
    case '/':
      return one / other;
    default:
      return one - other * Math.floor(one / other);
  }
}

function compare(operator: string, one: number, other: number): boolean {
  switch (operator) {
    case '==':
      return one === other;
    case '!=':
      return one !== other;
    case '<=':
      return one <= other;
    case '>=':
      return one >= other;
    case '<':
      return one < other;
    default:
      return one > other;
  }
}

/** Evaluates one expression, up to a comma: what follows it is the message of an assertion. */
class Expression {
  readonly #tokens: string[] = [];
  readonly #valueOf: (name: string) => number;
  readonly #line: number;
  #at = 0;

  constructor(text: string, line: number, valueOf: (name: string) => number) {
    this.#valueOf = valueOf;
    this.#line = line;
    const end = text.trimEnd().length;
    for (TOKEN.lastIndex = 0; TOKEN.lastIndex < end;) {
      const [, token] = TOKEN.exec(text) ?? [];
      if (token === undefined) throw new UnknownLine(line, `the Python expression ${text}`);
      this.#tokens.push(token);
    }
  }

  value(): number {
    const value = this.#or();
    const rest = this.#tokens[this.#at];
    if (rest !== undefined && rest !== ',') throw new UnknownLine(this.#line, `'${rest}' in Python`);
    return value;
  }

  #take(...wanted: string[]): string | undefined {
    const token = this.#tokens[this.#at];
    if (token === undefined || !wanted.includes(token)) return undefined;
    this.#at += 1;
    return token;
  }

  #or(): number {
    let value = this.#and();
    while (this.#take('or')) value = Number(Boolean(Number(this.#and() !== 0) | Number(value !== 0)));
    return value;
  }

  #and(): number {
    let value = this.#not();
    while (this.#take('and')) value = Number(Boolean(Number(this.#not() !== 0) & Number(value !== 0)));
    return value;
  }

  #not(): number {
    return this.#take('not') === undefined ? this.#comparison() : Number(this.#not() === 0);
  }

  #comparison(): number {
    let left = this.#binary(0);
    let holds = true;
    let operator = this.#take(...COMPARISONS);
    if (operator === undefined) return left;
    while (operator !== undefined) {
      const right = this.#binary(0);
      holds = compare(operator, left, right) && holds;
      left = right;
      operator = this.#take(...COMPARISONS);
    }
    return Number(holds);
  }

  #binary(rank: number): number {
    const operators = BINARY[rank];
    if (operators === undefined) return this.#operand();
    let value = this.#binary(rank + 1);
    for (;;) {
      const operator = this.#take(...operators);
      if (operator === undefined) return value;
      value = binary(operator, value, this.#binary(rank + 1));
    }
  }

  #operand(): number {
    if (this.#take('-')) return -this.#operand();
    if (this.#take('(')) {
      const value = this.#or();
      if (this.#take(')') === undefined)
        throw new UnknownLine(this.#line, 'a parenthesis without its end in Python');
      return value;
    }
    const token = this.#tokens[this.#at] ?? 'the end';
    this.#at += 1;
    if (/^\d/.test(token)) return Number(token);
    if (/^[A-Za-z_]/.test(token)) return this.#valueOf(token);
    throw new UnknownLine(this.#line, `'${token}' where Python expects a value`);
  }
}

/** Returns the statements of a piece of code. */
function statementsOf(code: string): string[] {
  return code
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.replace(/#.*/, ''))
    .flatMap((line) => line.split(';'))
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

export class Python {
  readonly #names = new Map<string, number>();

  /**
   * Runs a piece of code.
   * @param figureOf returns the value of a name that no assignment has given one.
   * @returns the names without a value: assertions about them are left out.
   */
  run(code: string, line: number, figureOf: (name: string) => number | undefined): string[] {
    const unknown: string[] = [];
    const valueOf = (name: string): number => {
      const value = this.#names.get(name) ?? figureOf(name);
      if (value === undefined) throw new UnknownName(name);
      return value;
    };
    for (const statement of statementsOf(code)) {
      try {
        this.#runStatement(statement, (text) => new Expression(text, line, valueOf).value());
      } catch (error) {
        if (!(error instanceof UnknownName)) throw error;
        unknown.push(error.variable);
      }
    }
    return unknown;
  }

  #runStatement(statement: string, evaluate: (text: string) => number): void {
    if (/^print\b/.test(statement)) return;
    const assertion = /^assert\b(.*)/s.exec(statement)?.[1];
    if (assertion !== undefined) {
      if (evaluate(assertion) === 0) throw new FailedAssertion(explain(statement, evaluate));
      return;
    }
    const [, name = '', operator = '', text = ''] = /^(\w+)\s*([-+*]?)=(?!=)(.*)$/s.exec(statement) ?? [];
    if (name === '') throw new UnknownLine(0, `the Python statement ${statement}`);
    const value = evaluate(text);
    this.#names.set(name, operator === '' ? value : binary(operator, evaluate(name), value));
  }
}

/** Returns an assertion and the figures that are in it. */
function explain(statement: string, evaluate: (text: string) => number): string {
  const names = [...new Set(statement.match(/\btcpi_\w+/g))];
  return `${statement}: ${names.map((name) => `${name} is ${evaluate(name)}`).join(', ')}`;
}
