/** Calls a function for each kind of event: `new AsyncWebSocket('/ws', handler.eventHandler())`. */
import {
  WS_EVT_CONNECT,
  WS_EVT_DATA,
  WS_EVT_DISCONNECT,
  WS_EVT_ERROR,
  WS_EVT_PING,
  WS_EVT_PONG,
  type AwsEventHandler,
  type AwsFrameInfo,
} from './event.js';
import type { AsyncWebSocketClient } from './web-socket-client.js';
import type { AsyncWebSocket } from './web-socket.js';

type Handler<Rest extends unknown[]> = (
  server: AsyncWebSocket,
  client: AsyncWebSocketClient,
  ...rest: Rest
) => unknown;

export class AsyncWebSocketMessageHandler {
  #onConnect: Handler<[]> | undefined;
  #onDisconnect: ((server: AsyncWebSocket, clientId: number) => unknown) | undefined;
  #onError: Handler<[code: number, reason: Buffer, len: number]> | undefined;
  #onMessage: Handler<[data: Buffer, len: number, info: AwsFrameInfo]> | undefined;
  #onFragment: Handler<[info: AwsFrameInfo, data: Buffer, len: number]> | undefined;

  /** Calls `handler` when a client has connected. */
  onConnect(handler: Handler<[]>): this {
    this.#onConnect = handler;
    return this;
  }

  /** Calls `handler` when a client's connection is over. */
  onDisconnect(handler: (server: AsyncWebSocket, clientId: number) => unknown): this {
    this.#onDisconnect = handler;
    return this;
  }

  /** Calls `handler` when a client is closed for what it sent. */
  onError(handler: Handler<[code: number, reason: Buffer, len: number]>): this {
    this.#onError = handler;
    return this;
  }

  /** Calls `handler` with a whole message. */
  onMessage(handler: Handler<[data: Buffer, len: number, info: AwsFrameInfo]>): this {
    this.#onMessage = handler;
    return this;
  }

  /** Calls `handler` with a piece of a message that is longer than the WebSocket's `pieceBytes`. */
  onFragment(handler: Handler<[info: AwsFrameInfo, data: Buffer, len: number]>): this {
    this.#onFragment = handler;
    return this;
  }

  /** Returns the function that `AsyncWebSocket` takes. */
  eventHandler(): AwsEventHandler {
    return (server, client, type, arg, data, len) => {
      switch (type) {
        case WS_EVT_CONNECT:
          return this.#onConnect?.(server, client);
        case WS_EVT_DISCONNECT:
          return this.#onDisconnect?.(server, client.id());
        case WS_EVT_ERROR:
          return this.#onError?.(server, client, arg, data, len);
        case WS_EVT_DATA:
          if (arg.len === len) return this.#onMessage?.(server, client, data, len, arg);
          return this.#onFragment?.(server, client, arg, data, len);
        case WS_EVT_PING:
        case WS_EVT_PONG:
          return undefined;
      }
    };
  }
}
