/**
 * The door `asynctcp/streams`: clients and servers by promises, asynchronous iteration and Web Streams. The
 * first import makes the stacks known.
 */
import './composition.js';

export { listen, type Listening, type ListenOptions } from './streams/listen.js';
export type { LimitOptions, MessageOptions, PrefixOptions, WaitOptions } from './streams/options.js';
export {
  read,
  readExactly,
  readLine,
  readLines,
  readMessage,
  readMessages,
  readUntil,
} from './streams/read.js';
export type { ByteOrder, PrefixBytes } from './streams/readings.js';
export { toWeb, type WebStreams } from './streams/web.js';
export { end, write, writeLine, writeMessage, type WriteMessageOptions } from './streams/write.js';
