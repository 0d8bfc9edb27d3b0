/** Makes the help texts from the tables of commands and options. */
import { HELP_OPTION, optionText, type Command, type Option, type Section } from './command.js';
import { definitionList, wrap } from './text-table.js';

function sectionLines({ title, rows }: Section): string[] {
  return ['', `${title}:`, ...definitionList(rows)];
}

function optionSection(options: readonly Option[]): Section {
  return { title: 'Options', rows: options.map((option) => [optionText(option), option.meaning]) };
}

export function commandHelp({ name, operands, description, options, sections }: Command): string {
  const usage = ['asynctcp', name, '[options]', ...(operands === undefined ? [] : [operands])].join(' ');
  const lines = [
    `Usage: ${usage}`,
    '',
    ...wrap(description),
    ...[optionSection([...options, HELP_OPTION]), ...sections].flatMap(sectionLines),
  ];
  return `${lines.join('\n')}\n`;
}

export function mainHelp(commands: readonly Command[], options: readonly Option[]): string {
  const list: Section = { title: 'Commands', rows: commands.map(({ name, summary }) => [name, summary]) };
  const lines = [
    'Usage: asynctcp COMMAND [options]',
    '',
    ...wrap('AsyncTCP in TypeScript: AsyncClient and AsyncServer over interchangeable TCP stacks.'),
    ...[list, optionSection(options)].flatMap(sectionLines),
    '',
    '"asynctcp help COMMAND" prints the help of one of them.',
  ];
  return `${lines.join('\n')}\n`;
}
