/** The server, as its requests and their handlers see it. */
import type { Socket } from 'node:net';
import type { Nonces } from '../auth/nonces.js';
import type { EndConnection } from '../lasting.js';
import type { Limits } from '../limits.js';
import type { QueueBudget } from '../queue/queue-budget.js';
import type { RequestLoad } from './request-load.js';
import type { AsyncWebServerRequest } from './request.js';

export interface RequestHost {
  readonly limits: Limits;
  /** Those of digest authentication. */
  readonly nonces: Nonces;
  /** Headers of each answer, names and values in turn. */
  readonly defaultHeaders: readonly string[];
  /** Messages that wait for the server's clients. */
  readonly queueBudget: QueueBudget;
  /** Places and memory that all requests share. */
  readonly load: RequestLoad;
  /** Called when the connection lasts beyond the request. `end` is called when the server ends. */
  onLasting(socket: Socket, end: EndConnection): void;
  /** Called with what a handler of the connection has thrown, for the log. */
  onFailed(request: AsyncWebServerRequest, what: string, error: unknown): void;
  /** Called when the answer has begun to leave, or the client has gone. */
  onAnswered(request: AsyncWebServerRequest): void;
  /** Called when the body has been read, or is not read further: the time to answer begins. */
  onBodyRead(request: AsyncWebServerRequest): void;
  /** Called with the error of an answer's body that broke off. */
  onBodyFailed(request: AsyncWebServerRequest, error: unknown): void;
}
