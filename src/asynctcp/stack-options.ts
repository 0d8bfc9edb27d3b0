/** Checks the options that a stack is made with, and completes them from the configuration. */
import type { Lookup } from '../port/lookup.js';
import type { TcpStack } from '../port/tcp-stack.js';
import { assert } from '../support/assert.js';
import { warn } from '../support/warn.js';
import { checkBoolean, checkHandler, checkInteger, checkOptions } from './check.js';
import { configuration, symbolOf, type ConfigureOptions } from './configuration.js';

/** Largest buffer of one connection, in each direction: the limit of the configuration's symbols. */
const MAX_BUFFER_BYTES = 1_073_741_824;
/** Lines that a recording can keep. */
export const MAX_RECORDED_LINES = 1_000_000;
/** Bytes of one piece that a line of a recording can show. */
export const MAX_SHOWN_BYTES = 1024;

export interface StackNumbers {
  sendBufferBytes?: number | undefined;
  receiveWindowBytes?: number | undefined;
  closeTimeoutMs?: number | undefined;
  sendBudgetBytes?: number | undefined;
  maxActiveTcp?: number | undefined;
  lookup?: Lookup | undefined;
}

/**
 * Returns the options, completed by the configuration.
 * @throws TypeError, RangeError for options out of range.
 */
export function checkStackOptions<O extends StackNumbers>(options: O): O {
  checkOptions(options);
  const buffer = [1, MAX_BUFFER_BYTES] as const;
  return {
    ...options,
    sendBufferBytes: limit('sendBufferBytes', options.sendBufferBytes, 'tcpSndBuf', buffer),
    receiveWindowBytes: limit('receiveWindowBytes', options.receiveWindowBytes, 'tcpWnd', buffer),
    maxActiveTcp: limit('maxActiveTcp', options.maxActiveTcp, 'maxActiveTcp', [1, Number.MAX_SAFE_INTEGER]),
    closeTimeoutMs: limit('closeTimeoutMs', options.closeTimeoutMs, 'closeTimeoutMs'),
    sendBudgetBytes: limit('sendBudgetBytes', options.sendBudgetBytes, 'sendBudgetBytes'),
    lookup: checkHandler('lookup', options.lookup),
  };
}

export interface RecordingNumbers {
  readonly sink?: ((line: string) => void) | undefined;
  readonly maxLines?: number | undefined;
  readonly shownBytes?: number | undefined;
  readonly verbose?: boolean | undefined;
}

/**
 * Returns the options of a recording.
 * @throws TypeError, RangeError for options out of range.
 */
export function checkRecordingOptions<O extends RecordingNumbers>(options: O): O {
  checkOptions(options);
  const { sink, maxLines, shownBytes, verbose } = options;
  checkHandler('sink', sink);
  if (maxLines !== undefined) checkInteger('maxLines', maxLines, 1, MAX_RECORDED_LINES);
  if (shownBytes !== undefined) checkInteger('shownBytes', shownBytes, 0, MAX_SHOWN_BYTES);
  if (verbose !== undefined) checkBoolean('verbose', verbose);
  return options;
}

/**
 * Returns the program's own number, or else the configuration's.
 * @param range of the program's number; that of the configuration's symbol if it is left out.
 */
function limit(
  name: string,
  own: number | undefined,
  option: keyof ConfigureOptions,
  range?: readonly [least: number, most: number],
): number | undefined {
  if (own === undefined) return configuration.integer(option);
  const symbol = symbolOf(option);
  assert(symbol.kind === 'integer', 'a limit is a number');
  const [least, most] = range ?? [symbol.least, symbol.most];
  return checkInteger(name, own, least, most);
}

/**
 * Returns a function that gives the same stack at each call, made at the first. Symbols of the configuration
 * on which the stack does not act are reported then.
 */
export function sharedStack(make: () => TcpStack): () => TcpStack {
  let stack: TcpStack | undefined;
  return () => {
    if (stack !== undefined) return stack;
    stack = make();
    for (const symbol of configuration.withoutEffect(stack.honours)) {
      warn(`${symbol} has no effect on the ${stack.name} stack`);
    }
    return stack;
  };
}
