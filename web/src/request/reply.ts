/** The reply of node:http, which knows its request. */
import { ServerResponse } from 'node:http';
import type { AsyncWebServerRequest } from './request.js';

export class Reply extends ServerResponse {
  /** Set when the request was admitted. */
  request: AsyncWebServerRequest | undefined;
}

/** Listener of a reply's event `close`. One function serves all replies. */
export function replyClosed(this: Reply): void {
  this.request?.closed();
}
