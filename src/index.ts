/** The door: what `import … from 'asynctcp'` gives on Node. Here, and only here, a stack is chosen. */
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
export type { Alarm, Clock } from './support/clock.js';

/**
 * Sets configuration options from code, before the first client or server. The environment's variables and
 * the command line's `-D` go before it.
 * @throws RangeError for an unknown option or a value out of range, Error when a client or server exists
 *   already.
 */
export function configure(options: ConfigureOptions): void {
  configuration.configure(options);
}

/**
 * A stack on `node:net` of your own, to be passed as the option `stack`: with other limits, with another
 * clock, with names of your own. What the options leave out is the configuration's.
 */
export function nodeStack(options: NodeStackOptions = {}): TcpStack {
  return new NodeStack({
    ...options,
    sendBufferBytes: options.sendBufferBytes ?? configuration.integer('tcpSndBuf'),
    receiveWindowBytes: options.receiveWindowBytes ?? configuration.integer('tcpWnd'),
  });
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
