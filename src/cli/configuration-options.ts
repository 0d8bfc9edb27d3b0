/** The options of the library's configuration and their part of the help, for every command that has them. */
import { configuration, rangeText, SYMBOLS, type ConfigurationSymbol } from '../asynctcp/configuration.js';
import { chooseStack } from '../asynctcp/stack-choice.js';
import { wrongArguments, type Arguments, type Option, type Section } from './command.js';

const STACK_SYMBOL = 'CONFIG_ASYNC_TCP_STACK';

const stackSymbol = SYMBOLS.find(({ symbol }) => symbol === STACK_SYMBOL);

export const CONFIGURATION_OPTIONS: readonly Option[] = [
  {
    name: 'stack',
    value: 'NAME',
    meaning: `what carries the bytes: ${stackSymbol === undefined ? '' : rangeText(stackSymbol)} (default ${String(stackSymbol?.default)}); short for -D ${STACK_SYMBOL}=NAME`,
  },
  {
    name: 'define',
    short: 'D',
    value: 'SYMBOL=value',
    repeatable: true,
    meaning: 'sets a configuration symbol, see below; wins over the environment',
  },
];

function symbolMeaning(symbol: ConfigurationSymbol): string {
  const standard = symbol.default === undefined ? '' : `; default ${symbol.default}`;
  return `${symbol.meaning} (${rangeText(symbol)}${standard})`;
}

export const CONFIGURATION_SECTION: Section = {
  title: 'Configuration symbols, set by -D or by environment variables of these names',
  rows: SYMBOLS.map((symbol) => [symbol.symbol, symbolMeaning(symbol)]),
};

/**
 * Applies the options, before the first client or server.
 * @param takesStack false if `--stack` is not for the configuration.
 * @throws CommandError for an unknown symbol or a value out of range, on the command line or in the
 *   environment.
 */
export function applyConfiguration(given: Arguments, takesStack = true): void {
  const stack = takesStack ? given.value('stack') : undefined;
  const definitions = given.values('define').map((definition) => ['-D', definition]);
  if (stack !== undefined) definitions.push(['--stack', `${STACK_SYMBOL}=${stack}`]);
  for (const [option = '', definition = ''] of definitions) {
    explain(option, () => {
      configuration.define(definition);
    });
  }
  // Reads the whole environment, so that a mistake in it is found now.
  explain('environment', () => configuration.isSet('stack'));
}

/** @throws CommandError if the configured stack is not available here. */
export function checkStack(): void {
  try {
    chooseStack(undefined);
  } catch (error) {
    throw wrongArguments(error instanceof Error ? error.message.replace(/\.$/, '') : String(error));
  }
}

function explain(source: string, configure: () => unknown): void {
  try {
    configure();
  } catch (error) {
    if (error instanceof RangeError) throw wrongArguments(`${source}: ${error.message}`);
    throw error;
  }
}
