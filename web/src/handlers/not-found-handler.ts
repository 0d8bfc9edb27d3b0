/** Answers what no other handler does: 404, or 405 where another method would have been answered. */
import { HTTP_ANY, methodNames } from '../methods.js';
import { AsyncBasicResponse } from '../response/basic-response.js';
import type { AsyncWebServerRequest } from '../request/request.js';
import type { ArRequestHandlerFunction } from './callback-handler.js';
import { AsyncCallbackWebHandler } from './callback-handler.js';

/** Attribute with the methods that the path's handlers answer. */
const ALLOWED = 'asynctcp-web:allowed';

export class NotFoundHandler extends AsyncCallbackWebHandler {
  /** True while the answer is the server's own. */
  isDefault = true;

  constructor() {
    super('', HTTP_ANY, answerNotFound);
  }

  /** Answers by the program's function; `undefined`: as at the beginning. */
  setOnRequest(handler: ArRequestHandlerFunction | undefined): void {
    this.isDefault = handler === undefined;
    this.onRequest(handler ?? answerNotFound);
  }
}

/** Notes that the path has handlers, for other methods. */
export function noteAllowed(request: AsyncWebServerRequest, methods: number): void {
  if (methods === 0) return;
  const before = request.getAttribute(ALLOWED);
  request.setAttribute(ALLOWED, typeof before === 'number' ? before | methods : methods);
}

function answerNotFound(request: AsyncWebServerRequest): void {
  const allowed = request.getAttribute(ALLOWED);
  if (typeof allowed === 'number') {
    const response = new AsyncBasicResponse(405, 'text/plain', 'Method Not Allowed');
    request.send(response.addHeader('Allow', methodNames(allowed).join(', ')));
  } else {
    request.send(404, 'text/plain', 'Not Found');
  }
}
