/** The events of a WebSocket and the arguments of its handler. The names are ESPAsyncWebServer's. */
import type { AsyncWebServerRequest } from '../request/request.js';
import type { AsyncWebSocketClient } from './web-socket-client.js';
import type { AsyncWebSocket } from './web-socket.js';

export const WS_EVT_CONNECT = 0;
export const WS_EVT_DISCONNECT = 1;
export const WS_EVT_PING = 2;
export const WS_EVT_PONG = 3;
export const WS_EVT_ERROR = 4;
export const WS_EVT_DATA = 5;

export type AwsEventType =
  | typeof WS_EVT_CONNECT
  | typeof WS_EVT_DISCONNECT
  | typeof WS_EVT_PING
  | typeof WS_EVT_PONG
  | typeof WS_EVT_ERROR
  | typeof WS_EVT_DATA;

/** Kind of a message. */
export const WS_TEXT = 1;
export const WS_BINARY = 2;

export type AwsFrameType = typeof WS_TEXT | typeof WS_BINARY;

/** State of a client. */
export const WS_DISCONNECTED = 0;
export const WS_CONNECTED = 1;
export const WS_DISCONNECTING = 2;

export type AwsClientStatus = typeof WS_DISCONNECTED | typeof WS_CONNECTED | typeof WS_DISCONNECTING;

/**
 * The place of a piece of data in its message. A message is whole, however the client has sent it in frames:
 * `index` 0 and `len` the length of the data, unless the WebSocket has a `pieceBytes`.
 */
export interface AwsFrameInfo {
  /** Kind of the message; of its frame it is the same. */
  readonly opcode: AwsFrameType;
  readonly messageOpcode: AwsFrameType;
  /** Number of the frame: 0, since a message is given as one. */
  readonly num: 0;
  /** True: the frame is the message's last one. */
  readonly final: true;
  /** True: what clients send is masked. It is unmasked when it gets here. */
  readonly masked: true;
  /** Bytes of the message before this piece. */
  readonly index: number;
  /** Bytes of the whole message. */
  readonly len: number;
}

type EventArguments<Type extends AwsEventType, Arg> = [
  server: AsyncWebSocket,
  client: AsyncWebSocketClient,
  type: Type,
  arg: Arg,
  data: Buffer,
  len: number,
];

/**
 * Arguments of a handler; `len` is the length of `data`.
 * - `WS_EVT_CONNECT`: `arg` is the request, `data` is empty.
 * - `WS_EVT_DISCONNECT`: `arg` is the close code, 1006 if the connection broke off; `data` is the reason.
 * - `WS_EVT_ERROR`: `arg` is the code with which the client is closed for what it sent; `data` is the reason.
 * - `WS_EVT_PING`, `WS_EVT_PONG`: `data` is what came with it. A ping has been answered.
 * - `WS_EVT_DATA`: a message, or a piece of it.
 */
export type AwsEventArguments =
  | EventArguments<typeof WS_EVT_CONNECT, AsyncWebServerRequest>
  | EventArguments<typeof WS_EVT_DISCONNECT | typeof WS_EVT_ERROR, number>
  | EventArguments<typeof WS_EVT_PING | typeof WS_EVT_PONG, undefined>
  | EventArguments<typeof WS_EVT_DATA, AwsFrameInfo>;

/**
 * Called for each event. An error that it throws, now or later, is logged and closes the client (1011). A
 * function names all six arguments, and TypeScript knows `arg` by the `type`; or it takes `...event`.
 */
export type AwsEventHandler = (...event: AwsEventArguments) => unknown;
