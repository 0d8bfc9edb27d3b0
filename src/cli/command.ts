/**
 * What a subcommand is. A command states its options once, in a table; the parser and the help both read
 * that table, so that they cannot disagree. A new command is a file that exports a `Command` and a line in
 * the table of `main.ts`.
 */
import { parseArgs, type ParseArgsConfig } from 'node:util';

export interface Option {
  /** The long name, without dashes. */
  readonly name: string;
  /** One letter. */
  readonly short?: string;
  /** What the help calls the option's value. Without it the option is a switch. */
  readonly value?: string;
  /** The option may be given more than once, and every value counts. */
  readonly repeatable?: boolean;
  /** For the help; with the default and the range, if any. */
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
  /** What follows the options on the command line, `[COMMAND]`; without it nothing may follow. */
  readonly operands?: string;
  /** The first operand ends the options: what follows it belongs to the program that it names. */
  readonly endsAtOperand?: boolean;
  /** A paragraph, for the command's own help. */
  readonly description: string;
  /** All but `--help`, which every command has. */
  readonly options: readonly Option[];
  readonly sections: readonly Section[];
  /** Does it, and answers with the exit status. */
  readonly run: (given: Arguments) => number | Promise<number>;
}

export const ExitStatus = {
  OK: 0,
  FAILED: 1,
  WRONG_ARGUMENTS: 2,
  /** And the signal's number: 130 for Ctrl-C. */
  SIGNAL: 128,
} as const;

/** What the user can mend or must know: `main.ts` prints it as one line, without a stack trace. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
  readonly status: number;

  constructor(message: string, status: number = ExitStatus.FAILED) {
    super(message);
    this.status = status;
  }
}

/** The user's mistake on the command line or in the environment. */
export function wrongArguments(message: string): CommandError {
  return new CommandError(message, ExitStatus.WRONG_ARGUMENTS);
}

export const HELP_OPTION: Option = { name: 'help', short: 'h', meaning: 'prints this text' };

/** How the help and the errors name an option. */
export function optionText({ name, short, value }: Option): string {
  const long = `--${name}${value === undefined ? '' : ` ${value}`}`;
  return short === undefined ? long : `-${short}, ${long}`;
}

/** The values of the options, and what follows them. */
export class Arguments {
  readonly operands: readonly string[];
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>, operands: readonly string[]) {
    this.#values = values;
    this.operands = operands;
  }

  isOn(name: string): boolean {
    return this.#values[name] === true;
  }

  /** The last value given. */
  value(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** All values of a repeatable option, in their order. */
  values(name: string): readonly string[] {
    const values = this.#values[name];
    return Array.isArray(values) ? values.filter((value) => typeof value === 'string') : [];
  }
}

/** How a command takes what is no option. */
export type Operands = 'none' | 'anywhere' | 'end the options';

/** @throws CommandError for what the table of options does not have. */
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

/** How many words there are before the first that is neither an option nor an option's value. */
function beforeOperand(words: readonly string[], options: ParseArgsConfig['options']): number {
  const { tokens } = parseArgs({ args: [...words], options, strict: false, tokens: true });
  return tokens.find(({ kind }) => kind === 'positional')?.index ?? words.length;
}

/** One short sentence. Node's own go on with advice, over several lines. */
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
