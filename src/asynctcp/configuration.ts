/**
 * The program's configuration. Three layers set symbols, and the later one wins: `configure()`, the
 * environment, the command line's `-D`. Within a layer, a symbol and its alias must not contradict each
 * other.
 */
import { isObject, show } from './check.js';
import { unknownSymbol } from './configuration-hint.js';
import {
  checkValue,
  parseValue,
  rangeText,
  STACK_NAMES,
  STACK_OPTIONS,
  symbolNamed,
  symbolOf,
  SYMBOLS,
  type ConfigurationSymbol,
  type ConfigureOptions,
  type StackName,
  type Value,
} from './configuration-symbols.js';

export {
  rangeText,
  symbolOf,
  SYMBOLS,
  type ConfigurationSymbol,
  type ConfigureOptions,
  type StackName,
} from './configuration-symbols.js';

/** An unknown name with this prefix is an error; variables with other names are not ours. */
const OWN_PREFIX = 'CONFIG_ASYNC_TCP_';

type Variables = Readonly<Record<string, string | undefined>>;

type Values = Partial<Record<keyof ConfigureOptions, Value>>;

/** The values of one layer. */
class Layer {
  readonly values: Values = {};
  /** The name by which each option was set. */
  readonly #names = new Map<string, string>();

  /**
   * Sets an option by one of its names.
   * @throws RangeError if another name of the option has set another value.
   */
  set({ option }: ConfigurationSymbol, name: string, value: Value): void {
    const former = this.#names.get(option);
    if (former !== undefined && former !== name && this.values[option] !== value) {
      throw new RangeError(
        `${former} and ${name} are names of one setting and contradict each other; leave one of them out`,
      );
    }
    this.#names.set(option, name);
    this.values[option] = value;
  }
}

export class Configuration {
  #code: Values = {};
  #environment: Values | undefined;
  #variables: () => Variables = () => ({});
  readonly #commandLine = new Layer();
  /** True once a value was read: the values in force cannot be changed any more. */
  #inForce = false;

  /** Sets options from code: all of them or, if one is wrong, none. */
  configure(options: ConfigureOptions): void {
    const values = checkedOptions('configure', options);
    this.#refuseWhenInForce('configure()');
    this.#code = { ...this.#code, ...values };
  }

  /**
   * Returns everything that the layers set, as variables of an environment, for another thread; `options`
   * count as set from code.
   */
  variablesWith(options: ConfigureOptions): Record<string, string> {
    const code = { ...this.#code, ...checkedOptions('startTask', options) };
    const values = { ...code, ...this.#readEnvironment(), ...this.#commandLine.values };
    const entries = Object.entries(values) as [keyof ConfigureOptions, Value][];
    return Object.fromEntries(entries.map(([option, value]) => [symbolOf(option).symbol, String(value)]));
  }

  /** Sets the source of the environment's variables. It is read at the first use. */
  setEnvironment(variables: () => Variables): void {
    this.#variables = variables;
  }

  /** Reads one `SYMBOL=value` of the command line. */
  define(definition: string): void {
    this.#refuseWhenInForce('-D');
    const equals = definition.indexOf('=');
    const name = equals < 0 ? definition : definition.slice(0, equals);
    const symbol = symbolNamed(name);
    if (symbol === undefined) throw unknownSymbol(name, false);
    if (equals < 0) throw new RangeError(`${name} needs a value: ${name}=…, ${rangeText(symbol, name)}`);
    this.#commandLine.set(symbol, name, parseValue(symbol, name, definition.slice(equals + 1)));
  }

  #refuseWhenInForce(what: string): void {
    if (this.#inForce) {
      throw new Error(`${what} comes before the first client, server or stack, and one exists already`);
    }
  }

  /** Returns the number in force for an option; `undefined`: the stack's own. */
  integer(option: keyof ConfigureOptions): number | undefined {
    const value = this.#value(option);
    return typeof value === 'number' ? value : undefined;
  }

  stack(): StackName {
    const value = this.#value('stack');
    return STACK_NAMES.find((name) => name === value) ?? 'auto';
  }

  /**
   * Returns the symbols that are set and concern a stack, but have no effect on one that acts only on
   * `honoured` ones.
   */
  withoutEffect(honoured: ReadonlySet<string>): string[] {
    const symbols = STACK_OPTIONS.filter((option) => this.isSet(option)).map(symbolOf);
    return symbols.map(({ symbol }) => symbol).filter((symbol) => !honoured.has(symbol));
  }

  /** Returns true if any layer sets the option. */
  isSet(option: keyof ConfigureOptions): boolean {
    return [this.#commandLine.values, this.#readEnvironment(), this.#code].some(
      (layer) => layer[option] !== undefined,
    );
  }

  #value(option: keyof ConfigureOptions): Value | undefined {
    const environment = this.#readEnvironment();
    this.#inForce = true;
    const set = this.#commandLine.values[option] ?? environment[option] ?? this.#code[option];
    return set ?? symbolOf(option).default;
  }

  #readEnvironment(): Values {
    if (this.#environment !== undefined) return this.#environment;
    const layer = new Layer();
    for (const [name, text] of Object.entries(this.#variables())) {
      // Shells and the settings of containers unset a variable by making it empty.
      if (text === undefined || text === '') continue;
      const symbol = symbolNamed(name);
      if (symbol !== undefined) layer.set(symbol, name, parseValue(symbol, name, text));
      else if (name.startsWith(OWN_PREFIX)) throw unknownSymbol(name, false);
    }
    this.#environment = layer.values;
    return layer.values;
  }
}

function checkedOptions(what: string, options: ConfigureOptions): Values {
  if (!isObject(options)) throw new TypeError(`${what} takes an object of options, not ${show(options)}`);
  const layer = new Layer();
  for (const [name, value] of Object.entries(options) as [string, unknown][]) {
    const symbol = SYMBOLS.find(({ option }) => option === name) ?? symbolNamed(name);
    if (symbol === undefined) throw unknownSymbol(name, true);
    if (value !== undefined) layer.set(symbol, name, checkValue(symbol, name, value));
  }
  return layer.values;
}

/**
 * Returns the environment's variables with those of `over` in their place, also if the environment sets the
 * same option by another name.
 */
export function withVariables(environment: Variables, over: Variables): Variables {
  const given = Object.keys(over).map((name) => symbolNamed(name));
  const isLeft = (name: string): boolean => {
    const symbol = symbolNamed(name);
    return symbol === undefined || !given.includes(symbol);
  };
  return { ...Object.fromEntries(Object.entries(environment).filter(([name]) => isLeft(name))), ...over };
}

/** The program's configuration. */
export const configuration = new Configuration();
