/** Options of a WebSocket. */
import type { PerMessageDeflateOptions } from 'ws';
import type { WebSocketLimits } from '../limits.js';
import type { QueuePolicy } from '../queue/send-queue.js';
import type { AsyncWebServerRequest } from '../request/request.js';

/** Decides by the header `Origin`; `undefined` if there is none. */
export type OriginCheck = (origin: string | undefined, request: AsyncWebServerRequest) => boolean;

export interface AsyncWebSocketOptions {
  /** Bounds, and times. Default: `DEFAULT_WEB_SOCKET_LIMITS`. */
  limits?: Partial<WebSocketLimits> | undefined;
  /** The fate of a message to a client whose queue is full. Default: `close` (1013). */
  policy?: QueuePolicy | undefined;
  /**
   * Origins whose pages may connect, such as `https://example.org`, or a function; others are refused (403).
   * A list lets clients without the header pass: they are no browsers. Default: every origin.
   */
  origins?: readonly string[] | OriginCheck | undefined;
  /** Text that is no UTF-8 closes the client (1007). Default: true. */
  checksUtf8?: boolean | undefined;
  /** Compresses messages, for clients that ask for it (RFC 7692). Default: false. */
  deflate?: boolean | PerMessageDeflateOptions | undefined;
  /**
   * Messages of more bytes are given to the handler in pieces of as many, as a device gets them. Default:
   * every message is whole.
   */
  pieceBytes?: number | undefined;
}
