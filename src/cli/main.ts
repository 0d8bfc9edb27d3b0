#!/usr/bin/env node
/** The command `asynctcp`: finds the subcommand, and prints a `CommandError` as one line. */
import {
  CommandError,
  ExitStatus,
  HELP_OPTION,
  parseArguments,
  wrongArguments,
  type Arguments,
  type Command,
  type Option,
} from './command.js';
import { commandHelp, mainHelp } from './help.js';
import { doctor } from './doctor.js';
import { run } from './run.js';
import { serve } from './serve.js';
import { sim } from './sim.js';
import { PACKAGE_VERSION } from '../support/version.js';

const help: Command = {
  name: 'help',
  summary: 'prints the help of a command',
  operands: '[COMMAND]',
  description: 'Prints the help of a command or, without one, the list of commands.',
  options: [],
  sections: [],
  run: runHelp,
};

const COMMANDS: readonly Command[] = [serve, run, sim, doctor, help];

const MAIN_OPTIONS: readonly Option[] = [
  HELP_OPTION,
  { name: 'version', short: 'V', meaning: 'prints the version' },
];

function runHelp({ operands }: Arguments): number {
  const [name, tooMuch] = operands;
  if (tooMuch !== undefined) throw wrongArguments(`one command at a time, not ${operands.join(' ')} as well`);
  process.stdout.write(
    name === undefined ? mainHelp(COMMANDS, MAIN_OPTIONS) : commandHelp(findCommand(name)),
  );
  return ExitStatus.OK;
}

function findCommand(name: string): Command {
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command !== undefined) return command;
  const names = COMMANDS.map((candidate) => candidate.name).join(', ');
  throw wrongArguments(`unknown command ${JSON.stringify(name)}; there are ${names}`);
}

async function runCommand(command: Command, words: readonly string[]): Promise<number> {
  const anyOperands = command.endsAtOperand === true ? 'end the options' : 'anywhere';
  const operands = command.operands === undefined ? 'none' : anyOperands;
  const given = parseArguments(words, [...command.options, HELP_OPTION], operands);
  if (!given.isOn(HELP_OPTION.name)) return command.run(given);
  process.stdout.write(commandHelp(command));
  return ExitStatus.OK;
}

/** Runs a command line that begins with an option instead of a command's name. */
function runMainOptions(words: readonly string[]): number {
  const given = parseArguments(words, MAIN_OPTIONS, 'none');
  process.stdout.write(given.isOn('version') ? `${PACKAGE_VERSION}\n` : mainHelp(COMMANDS, MAIN_OPTIONS));
  return ExitStatus.OK;
}

async function main(words: readonly string[]): Promise<number> {
  const [first, ...rest] = words;
  if (first === undefined) {
    process.stderr.write(mainHelp(COMMANDS, MAIN_OPTIONS));
    return ExitStatus.WRONG_ARGUMENTS;
  }
  let advice = 'asynctcp --help';
  let name = 'asynctcp';
  try {
    if (first.startsWith('-')) return runMainOptions(words);
    const command = findCommand(first);
    name = `asynctcp ${command.name}`;
    advice = `${name} --help`;
    return await runCommand(command, rest);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    const hint = error.status === ExitStatus.WRONG_ARGUMENTS ? ` ("${advice}" tells more)` : '';
    // The message may quote the user's words, which may contain line breaks.
    const message = `${name}: ${error.message}${hint}`.replaceAll(/\s+/g, ' ');
    process.stderr.write([message, ...error.lines.map((line) => `  ${line}`), ''].join('\n'));
    return error.status;
  }
}

// The reader may close the pipe, as `head` does, or the terminal may be closed: the output is dropped then.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

process.exitCode = await main(process.argv.slice(2));
