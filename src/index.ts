/** The door: what `import … from 'asynctcp'` gives on Node. Here, and only here, a stack is chosen. */
import { checkHandler, checkInteger, checkOptions } from './asynctcp/check.js';
import { configuration, symbolOf, type ConfigureOptions } from './asynctcp/configuration.js';
import { offerStack } from './asynctcp/stack-choice.js';
import type { TcpStack } from './port/tcp-stack.js';
import { NodeStack } from './stacks/node/node-stack.js';
import type { NodeStackOptions } from './stacks/node/node-stack-options.js';
import { warn } from './support/warn.js';

export {
  ASYNC_WRITE_FLAG_COPY,
  ASYNC_WRITE_FLAG_MORE,
  AsyncClient,
  type ClientOptions,
  type ConnectOptions,
} from './asynctcp/async-client.js';
export { AsyncServer, type ClientHandler, type ServerOptions } from './asynctcp/async-server.js';
export type {
  AckHandler,
  ConnectHandler,
  DataHandler,
  DisconnectHandler,
  EndHandler,
  ErrorHandler,
  PacketHandler,
  PollHandler,
  TimeoutHandler,
} from './asynctcp/client-core.js';
export type { ConfigureOptions, StackName } from './asynctcp/configuration.js';
export { Packet } from './asynctcp/packet.js';
export type { StackOption } from './asynctcp/stack-choice.js';
export { TcpError } from './asynctcp/tcp-error.js';
export type { Capabilities } from './port/capabilities.js';
export { ErrorCode } from './port/error-code.js';
export { TcpState } from './port/tcp-state.js';
export type * from './port/tcp-stack.js';
export type { Lookup, NodeStackOptions } from './stacks/node/node-stack-options.js';
export { systemClock, type Alarm, type Clock } from './support/clock.js';
export { Timer, TimerWheel, type TimerOwner } from './support/timer-wheel.js';

/**
 * Sets configuration options from code, before the first client or server. The environment's variables and
 * the command line's `-D` win over it.
 * @throws RangeError for an unknown option or a value out of range, Error when a client, server or stack
 *   exists already.
 */
export function configure(options: ConfigureOptions): void {
  configuration.configure(options);
}

/**
 * A stack on `node:net` of your own, to be passed as the option `stack`: with other limits, with another
 * clock, with names of your own. What the options leave out is the configuration's.
 * @throws TypeError, RangeError for options out of range.
 */
export function nodeStack(options: NodeStackOptions = {}): TcpStack {
  checkOptions(options);
  return new NodeStack({
    ...options,
    sendBufferBytes: limit('sendBufferBytes', options.sendBufferBytes, 'tcpSndBuf'),
    receiveWindowBytes: limit('receiveWindowBytes', options.receiveWindowBytes, 'tcpWnd'),
    maxActiveTcp: limit('maxActiveTcp', options.maxActiveTcp, 'maxActiveTcp'),
    lookup: checkHandler('lookup', options.lookup),
  });
}

/** A number of one's own, or else the configuration's. */
function limit(
  name: string,
  own: number | undefined,
  option: 'tcpSndBuf' | 'tcpWnd' | 'maxActiveTcp',
): number | undefined {
  return own === undefined
    ? configuration.integer(option)
    : checkInteger(name, own, 1, Number.MAX_SAFE_INTEGER);
}

/** The operating system does not let `node:net` set these. */
const NOT_ON_NODE = ['tcpMss', 'tcpMslMs', 'tcpMaxRtx', 'tcpSynMaxRtx'] as const;

let shared: TcpStack | undefined;

function sharedNodeStack(): TcpStack {
  if (shared === undefined) {
    for (const option of NOT_ON_NODE) {
      if (configuration.isSet(option)) warn(`${symbolOf(option).symbol} has no effect on the node stack`);
    }
    shared = nodeStack();
  }
  return shared;
}

configuration.setEnvironment(() => process.env);
offerStack('node', sharedNodeStack);
offerStack('auto', sharedNodeStack);
