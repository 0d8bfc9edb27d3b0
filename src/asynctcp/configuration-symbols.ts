/**
 * The configuration symbols of AsyncTCP and of the parts of ESP-IDF that it rests on: one table, from which
 * the parser, the errors, the help and the table of docs/configuration.md are made.
 */
import { assert } from '../support/assert.js';
import { show } from './check.js';

/** Names of stacks that the configuration and the constructors accept. */
export type StackName = 'auto' | 'kernel' | 'node';

export const STACK_NAMES: readonly StackName[] = ['auto', 'kernel', 'node'];

/**
 * Options of `configure()`. Each option is one symbol of the configuration table and can be set by its
 * symbol's name too.
 */
export interface ConfigureOptions {
  /** Stack of a client or a server whose constructor names none. Default `auto`. */
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
  /** Events that one turn of the event loop dispatches at most. Default: the stack's own. */
  queueSize?: number;
  /**
   * Milliseconds without any new acknowledgement after which a client that closes is reset. Default 30000.
   */
  closeTimeoutMs?: number;
  /** Bytes that all connections of a thread may have unacknowledged together. Default 268435456. */
  sendBudgetBytes?: number;
}

/** Another name of an integer symbol, from today's C++ library. */
export interface SymbolAlias {
  readonly symbol: string;
  readonly unit: string;
  /** The alias's units in one unit of the symbol. */
  readonly scale: number;
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
  readonly alias?: SymbolAlias;
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
  alias?: SymbolAlias,
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
    ...(alias === undefined ? {} : { alias }),
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
    meaning: 'stack of clients and servers whose constructor names none',
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
    'stack of the async task; raised to the engine’s minimum; in bytes as `CONFIG_ASYNC_TCP_STACK_SIZE`',
    { symbol: 'CONFIG_ASYNC_TCP_STACK_SIZE', unit: 'bytes', scale: 4 },
  ),
  integer(
    'CONFIG_ASYNC_TCP_TASK_PRIORITY',
    'taskPriority',
    [0, 24, ''],
    3,
    'FreeRTOS priority of the async task; 3 leaves the thread’s priority alone; also `CONFIG_ASYNC_TCP_PRIORITY`',
    { symbol: 'CONFIG_ASYNC_TCP_PRIORITY', unit: '', scale: 1 },
  ),
  integer(
    'CONFIG_ASYNC_TCP_QUEUE_SIZE',
    'queueSize',
    // One socket has up to four events at once, which are dispatched together.
    [4, 65_536, 'events'],
    undefined,
    'events that one turn of the event loop dispatches at most; on `kernel`',
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
  integer(
    'CONFIG_ASYNC_TCP_CLOSE_TIMEOUT',
    'closeTimeoutMs',
    [100, 3_600_000, 'ms'],
    30_000,
    'longest time without a new acknowledgement before a client that closes is reset',
  ),
  integer(
    'CONFIG_ASYNC_TCP_SND_BUDGET',
    'sendBudgetBytes',
    [1_048_576, 2 ** 40, 'bytes'],
    268_435_456,
    'limit of the unacknowledged bytes of all connections of a thread together',
  ),
  integer('CONFIG_LWIP_TCP_MSS', 'tcpMss', [536, 65_495, 'bytes'], undefined, 'largest segment'),
  integer(
    'CONFIG_LWIP_TCP_SND_BUF_DEFAULT',
    'tcpSndBuf',
    [1024, 1_073_741_824, 'bytes'],
    undefined,
    'send buffer of one connection; 4194304 on `kernel`, 131072 on `node`',
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

/** Options that concern a stack; `TcpStack.honours` says if the stack acts on them. */
export const STACK_OPTIONS: readonly (keyof ConfigureOptions)[] = [
  'maxActiveTcp',
  'closeTimeoutMs',
  'sendBudgetBytes',
  'tcpMss',
  'tcpSndBuf',
  'tcpWnd',
  'tcpMslMs',
  'tcpMaxRtx',
  'tcpSynMaxRtx',
  'queueSize',
];

/** Value of an option. */
export type Value = number | string;

/**
 * Returns the values that a symbol accepts, in words: for errors, the help and docs/configuration.md.
 * @param name the symbol's name, its option or its alias, which may have a unit of its own.
 */
export function rangeText(symbol: ConfigurationSymbol, name = symbol.symbol): string {
  if (symbol.kind === 'choice') return symbol.choices.join(', ').replace(/, (?=[^,]*$)/, ' or ');
  // Code sets a number; a text may also be Kconfig's y or n.
  if (isOnOff(symbol)) return name === symbol.option ? '0 or 1' : '0 or 1 (n or y)';
  const { unit, scale } = unitOf(symbol, name);
  return `${symbol.least * scale} to ${symbol.most * scale}${unit === '' ? '' : ` ${unit}`}`;
}

function unitOf(symbol: IntegerSymbol, name: string): { unit: string; scale: number } {
  return symbol.alias?.symbol === name ? symbol.alias : { unit: symbol.unit, scale: 1 };
}

function isOnOff(symbol: IntegerSymbol): boolean {
  return symbol.least === ON_OFF[0] && symbol.most === ON_OFF[1];
}

export function symbolOf(option: keyof ConfigureOptions): ConfigurationSymbol {
  const symbol = SYMBOLS.find((candidate) => candidate.option === option);
  assert(symbol !== undefined, 'every option has a symbol');
  return symbol;
}

/** Returns the names that an environment or a command line may have for the symbol. */
export function namesOf(symbol: ConfigurationSymbol): readonly string[] {
  const alias = symbol.kind === 'integer' ? symbol.alias : undefined;
  return alias === undefined ? [symbol.symbol] : [symbol.symbol, alias.symbol];
}

/** Returns the symbol that has this name or alias. */
export function symbolNamed(name: string): ConfigurationSymbol | undefined {
  return SYMBOLS.find((symbol) => namesOf(symbol).includes(name));
}

/**
 * Returns the value of a text, in the unit of the symbol itself.
 * @param name the symbol's name, or its alias.
 */
export function parseValue(symbol: ConfigurationSymbol, name: string, text: string): Value {
  const isInteger = symbol.kind === 'integer' && /^-?[0-9]+$/.test(text);
  if (isInteger) return checkValue(symbol, name, Number(text));
  // Kconfig writes y and n into a project's sdkconfig.
  if (symbol.kind === 'integer' && isOnOff(symbol)) {
    if (text === 'y' || text === 'Y') return 1;
    if (text === 'n' || text === 'N') return 0;
  }
  return checkValue(symbol, name, text);
}

/**
 * Checks a value and returns it in the unit of the symbol itself.
 * @param name the symbol's name, its option or its alias.
 * @throws RangeError for a value that the symbol does not accept.
 */
export function checkValue(symbol: ConfigurationSymbol, name: string, value: unknown): Value {
  if (symbol.kind === 'choice') {
    if (typeof value === 'string' && symbol.choices.includes(value)) return value;
  } else if (typeof value === 'number' && Number.isInteger(value)) {
    const { scale } = unitOf(symbol, name);
    if (value >= symbol.least * scale && value <= symbol.most * scale) return Math.ceil(value / scale);
  }
  throw new RangeError(`${name} must be ${rangeText(symbol, name)}, not ${show(value)}`);
}
