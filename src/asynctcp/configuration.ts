/**
 * The configuration symbols of AsyncTCP and of the parts of ESP-IDF that it rests on: one table, from which
 * the parser, the errors, the help and the README's table are made. Three layers set a symbol, the later
 * wins: `configure()`, the environment, the command line's `-D`.
 */
import { assert } from '../support/assert.js';
import { isObject, show } from './check.js';

/** Names of stacks that the configuration and the constructors accept. */
export type StackName = 'auto' | 'kernel' | 'node';

const STACK_NAMES: readonly StackName[] = ['auto', 'kernel', 'node'];

/**
 * What `configure()` takes. Each option is one symbol of the configuration table and can be set by its
 * symbol's name too.
 */
export interface ConfigureOptions {
  /** What carries the bytes where the constructor names no stack. Default `auto`. */
  stack?: StackName;
  /** Core that the async task's thread is pinned to; −1, the default, is any. */
  runningCore?: number;
  /** Watchdog over every callback: 1, the default, or 0. */
  useWdt?: number;
  /** Stack of the async task, in 32-bit words. Default 8192; raised to the engine's minimum. */
  taskStackSize?: number;
  /** FreeRTOS priority of the async task, 0 to 24. Default 3, which leaves the thread's priority alone. */
  taskPriority?: number;
  /** Diagnostic functions: 1 or, the default, 0. */
  diagnostics?: number;
  /** Connections at once, accepted and opened. Default: the system's own limit. */
  maxActiveTcp?: number;
  /** Seconds that one callback may take. Default 5. */
  wdtTimeoutS?: number;
  /** 1: a bite of the watchdog ends the task. Default 0. */
  wdtPanic?: number;
  /** Default of `setAckTimeout`, in milliseconds; 0 is off. Default 5000. */
  maxAckTimeMs?: number;
  /** Largest segment, in bytes. */
  tcpMss?: number;
  /** Bytes that one connection takes from `add` before any is acknowledged. Default: the stack's own. */
  tcpSndBuf?: number;
  /** Receive window of one connection, in bytes. Default 131072. */
  tcpWnd?: number;
  /** Maximum segment lifetime, in milliseconds. */
  tcpMslMs?: number;
  /** Retransmissions of data before the connection is given up. */
  tcpMaxRtx?: number;
  /** Retransmissions of a SYN before the connection is given up. */
  tcpSynMaxRtx?: number;
}

interface SymbolBase {
  readonly symbol: string;
  readonly option: keyof ConfigureOptions;
  readonly meaning: string;
}

interface IntegerSymbol extends SymbolBase {
  readonly kind: 'integer';
  readonly least: number;
  readonly most: number;
  readonly unit: string;
  /** `undefined`: the stack's own. */
  readonly default: number | undefined;
}

interface ChoiceSymbol extends SymbolBase {
  readonly kind: 'choice';
  readonly choices: readonly string[];
  readonly default: string;
}

export type ConfigurationSymbol = IntegerSymbol | ChoiceSymbol;

function integer(
  symbol: string,
  option: keyof ConfigureOptions,
  range: readonly [least: number, most: number, unit: string],
  standard: number | undefined,
  meaning: string,
): IntegerSymbol {
  return {
    kind: 'integer',
    symbol,
    option,
    least: range[0],
    most: range[1],
    unit: range[2],
    default: standard,
    meaning,
  };
}

const ON_OFF = [0, 1, ''] as const;

export const SYMBOLS: readonly ConfigurationSymbol[] = [
  {
    kind: 'choice',
    symbol: 'CONFIG_ASYNC_TCP_STACK',
    option: 'stack',
    choices: STACK_NAMES,
    default: 'auto',
    meaning: 'what carries the bytes where the constructor names no stack',
  },
  integer(
    'CONFIG_ASYNC_TCP_RUNNING_CORE',
    'runningCore',
    [-1, 1023, ''],
    -1,
    'core of the async task; -1 is any',
  ),
  integer('CONFIG_ASYNC_TCP_USE_WDT', 'useWdt', ON_OFF, 1, 'watchdog over every callback'),
  integer(
    'CONFIG_ASYNC_TCP_TASK_STACK_SIZE',
    'taskStackSize',
    [256, 16_777_216, '32-bit words'],
    8192,
    'stack of the async task; raised to the engine’s minimum',
  ),
  integer(
    'CONFIG_ASYNC_TCP_TASK_PRIORITY',
    'taskPriority',
    [0, 24, ''],
    3,
    'FreeRTOS priority of the async task; 3 leaves the thread’s priority alone',
  ),
  integer('CONFIG_ASYNC_TCP_DIAGNOSTICS', 'diagnostics', ON_OFF, 0, 'diagnostic functions'),
  integer(
    'CONFIG_LWIP_MAX_ACTIVE_TCP',
    'maxActiveTcp',
    [1, 1_000_000, 'connections'],
    undefined,
    'connections at once; where it is not set, the system’s own limit',
  ),
  integer(
    'CONFIG_ESP_TASK_WDT_TIMEOUT_S',
    'wdtTimeoutS',
    [1, 3600, 's'],
    5,
    'time that one callback may take',
  ),
  integer('CONFIG_ESP_TASK_WDT_PANIC', 'wdtPanic', ON_OFF, 0, '1: a bite of the watchdog ends the task'),
  integer(
    'CONFIG_ASYNC_TCP_MAX_ACK_TIME',
    'maxAckTimeMs',
    [0, 3_600_000, 'ms'],
    5000,
    'default of `setAckTimeout`; 0 is off',
  ),
  integer('CONFIG_LWIP_TCP_MSS', 'tcpMss', [536, 65_495, 'bytes'], undefined, 'largest segment'),
  integer(
    'CONFIG_LWIP_TCP_SND_BUF_DEFAULT',
    'tcpSndBuf',
    [1024, 1_073_741_824, 'bytes'],
    undefined,
    'what one connection takes before it is acknowledged; 4194304 on `kernel`, 131072 on `node`',
  ),
  integer(
    'CONFIG_LWIP_TCP_WND_DEFAULT',
    'tcpWnd',
    [1024, 1_073_741_824, 'bytes'],
    undefined,
    'receive window of one connection; 131072 on `kernel` and `node`',
  ),
  integer('CONFIG_LWIP_TCP_MSL', 'tcpMslMs', [1000, 120_000, 'ms'], undefined, 'maximum segment lifetime'),
  integer('CONFIG_LWIP_TCP_MAXRTX', 'tcpMaxRtx', [1, 255, ''], undefined, 'retransmissions of data'),
  integer('CONFIG_LWIP_TCP_SYNMAXRTX', 'tcpSynMaxRtx', [1, 255, ''], undefined, 'retransmissions of a SYN'),
];

/** A mistyped name that begins so is an error; other variables of the environment are not ours. */
const OWN_PREFIX = 'CONFIG_ASYNC_TCP_';

type Variables = Readonly<Record<string, string | undefined>>;

type Value = number | string;

type Values = Partial<Record<keyof ConfigureOptions, Value>>;

/** What an integer or a choice may be, in words: for errors, the help and the README. */
export function rangeText(symbol: ConfigurationSymbol): string {
  if (symbol.kind === 'choice') return symbol.choices.join(', ').replace(/, (?=[^,]*$)/, ' or ');
  return `${symbol.least} to ${symbol.most}${symbol.unit === '' ? '' : ` ${symbol.unit}`}`;
}

export class Configuration {
  #code: Values = {};
  #environment: Values | undefined;
  #variables: () => Variables = () => ({});
  #commandLine: Values = {};
  /** From the first reading on, what was read stands. */
  #inForce = false;

  /** Sets options from code; all of them or, when one is wrong, none. */
  configure(options: ConfigureOptions): void {
    const values = checkedOptions('configure', options);
    this.#refuseWhenInForce('configure()');
    this.#code = { ...this.#code, ...values };
  }

  /**
   * Everything that any layer sets, as an environment's variables, for another thread; `options` count as
   * set from code.
   */
  variablesWith(options: ConfigureOptions): Record<string, string> {
    const code = { ...this.#code, ...checkedOptions('startTask', options) };
    const values = { ...code, ...this.#readEnvironment(), ...this.#commandLine };
    const entries = Object.entries(values) as [keyof ConfigureOptions, Value][];
    return Object.fromEntries(entries.map(([option, value]) => [symbolOf(option).symbol, String(value)]));
  }

  /** Where the environment's variables come from. They are read at first use. */
  setEnvironment(variables: () => Variables): void {
    this.#variables = variables;
  }

  /** Reads one `SYMBOL=value` of the command line. */
  define(definition: string): void {
    this.#refuseWhenInForce('-D');
    const equals = definition.indexOf('=');
    const name = equals < 0 ? definition : definition.slice(0, equals);
    const symbol = SYMBOLS.find((candidate) => candidate.symbol === name);
    if (symbol === undefined)
      throw unknownSymbol(
        name,
        SYMBOLS.map((known) => known.symbol),
      );
    if (equals < 0) throw new RangeError(`${name} needs a value: ${name}=…, ${rangeText(symbol)}`);
    this.#commandLine[symbol.option] = parseValue(symbol, definition.slice(equals + 1));
  }

  #refuseWhenInForce(what: string): void {
    if (this.#inForce) {
      throw new Error(`${what} comes before the first client, server or stack, and one exists already`);
    }
  }

  /** What is in force for an option that is a number; `undefined` where the stack's own holds. */
  integer(option: keyof ConfigureOptions): number | undefined {
    const value = this.#value(option);
    return typeof value === 'number' ? value : undefined;
  }

  stack(): StackName {
    const value = this.#value('stack');
    return STACK_NAMES.find((name) => name === value) ?? 'auto';
  }

  /** Whether any layer sets the option. */
  isSet(option: keyof ConfigureOptions): boolean {
    return [this.#commandLine, this.#readEnvironment(), this.#code].some(
      (layer) => layer[option] !== undefined,
    );
  }

  #value(option: keyof ConfigureOptions): Value | undefined {
    const environment = this.#readEnvironment();
    this.#inForce = true;
    return this.#commandLine[option] ?? environment[option] ?? this.#code[option] ?? symbolOf(option).default;
  }

  #readEnvironment(): Values {
    if (this.#environment !== undefined) return this.#environment;
    const values: Values = {};
    for (const [name, text] of Object.entries(this.#variables())) {
      const symbol = SYMBOLS.find((candidate) => candidate.symbol === name);
      if (symbol === undefined && name.startsWith(OWN_PREFIX))
        throw unknownSymbol(
          name,
          SYMBOLS.map((known) => known.symbol),
        );
      if (symbol !== undefined && text !== undefined) values[symbol.option] = parseValue(symbol, text);
    }
    this.#environment = values;
    return values;
  }
}

function checkedOptions(what: string, options: ConfigureOptions): Values {
  if (!isObject(options)) throw new TypeError(`${what} takes an object of options, not ${show(options)}`);
  const values: Values = {};
  for (const [option, value] of Object.entries(options) as [string, unknown][]) {
    const symbol = SYMBOLS.find((candidate) => candidate.option === option || candidate.symbol === option);
    if (symbol === undefined) {
      throw unknownSymbol(
        option,
        SYMBOLS.map((known) => known.option),
      );
    }
    if (value !== undefined) values[symbol.option] = checkValue(symbol, option, value);
  }
  return values;
}

export function symbolOf(option: keyof ConfigureOptions): ConfigurationSymbol {
  const symbol = SYMBOLS.find((candidate) => candidate.option === option);
  assert(symbol !== undefined, 'every option has a symbol');
  return symbol;
}

/** How many characters two names differ in: Levenshtein's distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let index = 0; index < a.length; index += 1) {
    const next = [index + 1];
    for (let place = 0; place < b.length; place += 1) {
      const changed = (row[place] ?? 0) + (a[index] === b[place] ? 0 : 1);
      next.push(Math.min(changed, (row[place + 1] ?? 0) + 1, (next[place] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

function unknownSymbol(name: string, known: readonly string[]): RangeError {
  const nearest = known.toSorted((a, b) => distance(name, a) - distance(name, b))[0] ?? '';
  return new RangeError(`unknown configuration symbol ${name}; the nearest known one is ${nearest}`);
}

function parseValue(symbol: ConfigurationSymbol, text: string): Value {
  const isInteger = symbol.kind === 'integer' && /^-?[0-9]+$/.test(text);
  return checkValue(symbol, symbol.symbol, isInteger ? Number(text) : text);
}

function checkValue(symbol: ConfigurationSymbol, name: string, value: unknown): Value {
  if (symbol.kind === 'choice') {
    if (typeof value === 'string' && symbol.choices.includes(value)) return value;
  } else if (typeof value === 'number' && Number.isInteger(value)) {
    if (value >= symbol.least && value <= symbol.most) return value;
  }
  throw new RangeError(`${name} must be ${rangeText(symbol)}, not ${show(value)}`);
}

/** The program's configuration. */
export const configuration = new Configuration();
