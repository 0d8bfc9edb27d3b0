/**
 * The form of a subcommand. A command states its options once, in a table; the parser and the help both
 * read that table, so that they cannot disagree. A new command is a file that exports a `Command`, and a
 * line in the table of `main.ts`.
 */
import { parseArgs, type ParseArgsConfig } from 'node:util';

export interface Option {
  /** The long name, without dashes. */
  readonly name: string;
  /** One letter. */
  readonly short?: string;
  /** The name of the option's value in the help. An option without it is a switch. */
  readonly value?: string;
  /** True if the option may be given more than once, and every value counts. */
  readonly repeatable?: boolean;
  /** Text for the help, with the default and the range, if any. */
  readonly meaning: string;
}

/** Further parts of a command's help. */
export interface Section {
  readonly title: string;
  readonly rows: readonly (readonly [name: string, meaning: string])[];
}

export interface Command {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** Names of the operands in the help, such as `[COMMAND]`; a command without it takes none. */
  readonly operands?: string;
  /** True if the first operand ends the options: all words after it belong to the program that it names. */
  readonly endsAtOperand?: boolean;
  /** A paragraph, for the command's own help. */
  readonly description: string;
  /** All options but `--help`, which every command has. */
  readonly options: readonly Option[];
  readonly sections: readonly Section[];
  /** Runs the command, and returns the exit status. */
  readonly run: (given: Arguments) => number | Promise<number>;
}

export const ExitStatus = {
  OK: 0,
  FAILED: 1,
  WRONG_ARGUMENTS: 2,
  /** Plus the signal's number: 130 for Ctrl-C. */
  SIGNAL: 128,
} as const;

interface CommandErrorOptions {
  readonly status?: number;
  /** Lines for the user to type, printed below the message as they are. */
  readonly lines?: readonly string[];
}

/**
 * A failure that the user can mend or must know about: `main.ts` prints it as one line, without a stack
 * trace.
 */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly status: number;
  readonly lines: readonly string[];

  constructor(message: string, { status = ExitStatus.FAILED, lines = [] }: CommandErrorOptions = {}) {
    super(message);
    this.status = status;
    this.lines = lines;
  }
}

/** Returns the error for a mistake on the command line or in the environment. */
export function wrongArguments(message: string): CommandError {
  return new CommandError(message, { status: ExitStatus.WRONG_ARGUMENTS });
}

export const HELP_OPTION: Option = { name: 'help', short: 'h', meaning: 'prints this text' };

/** Returns an option's name for the help and for errors. */
export function optionText({ name, short, value }: Option): string {
  const long = `--${name}${value === undefined ? '' : ` ${value}`}`;
  return short === undefined ? long : `-${short}, ${long}`;
}

/** The values of the options, and the operands. */
export class Arguments {
  readonly operands: readonly string[];
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>, operands: readonly string[]) {
    this.#values = values;
    this.operands = operands;
  }

  /** True if a switch is given. */
  isOn(name: string): boolean {
    return this.#values[name] === true;
  }

  /** Returns the last value of an option; `undefined` if it is not given. */
  value(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** Returns all values of a repeatable option, in their order. */
  values(name: string): readonly string[] {
    const values = this.#values[name];
    return Array.isArray(values) ? values.filter((value) => typeof value === 'string') : [];
  }
}

/** The places of operands, the words that are no options. */
export type Operands = 'none' | 'anywhere' | 'end the options';

/**
 * Reads the words of a command line by the table of options.
 * @throws CommandError for an unknown option, a missing or superfluous value, and an unexpected operand.
 */
export function parseArguments(
  words: readonly string[],
  options: readonly Option[],
  operands: Operands,
): Arguments {
  const config: ParseArgsConfig['options'] = {};
  for (const { name, short, value, repeatable } of options) {
    config[name] = {
      type: value === undefined ? 'boolean' : 'string',
      multiple: repeatable ?? false,
      ...(short === undefined ? {} : { short }),
    };
  }
  const ownWords = operands === 'end the options' ? beforeOperand(words, config) : words.length;
  try {
    const { values, positionals } = parseArgs({
      args: words.slice(0, ownWords),
      options: config,
      strict: true,
      allowPositionals: operands !== 'none',
    });
    return new Arguments(values, [...positionals, ...words.slice(ownWords)]);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (!(error instanceof Error) || !code.startsWith('ERR_PARSE_ARGS_')) throw error;
    throw wrongArguments(parserMessage(error, code, options));
  }
}

/** Returns the number of words before the first operand. */
function beforeOperand(words: readonly string[], options: ParseArgsConfig['options']): number {
  const { tokens } = parseArgs({ args: [...words], options, strict: false, tokens: true });
  return tokens.find(({ kind }) => kind === 'positional')?.index ?? words.length;
}

/** Returns one short sentence. Node's own messages have several lines, with advice. */
function parserMessage({ message }: Error, code: string, options: readonly Option[]): string {
  if (code === 'ERR_PARSE_ARGS_INVALID_OPTION_VALUE') {
    const option = options.find(({ name }) => message.includes(`--${name}`));
    if (option !== undefined) {
      return `${optionText(option)} ${option.value === undefined ? 'takes no value' : 'needs a value'}`;
    }
  }
  const [sentence = ''] = message.split('. ');
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}
