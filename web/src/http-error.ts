/** An error that says what the client is answered. */
import { STATUS_CODES } from 'node:http';

export interface HttpErrorOptions extends ErrorOptions {
  /** Value of the header `Retry-After`, in seconds. */
  retryAfterS?: number | undefined;
}

export class HttpError extends Error {
  /** Status of the answer, 400 to 599. */
  readonly code: number;
  /** Value of the header `Retry-After`, in seconds; `undefined`: no such header. */
  readonly retryAfterS: number | undefined;

  /**
   * Makes an error. Thrown by a handler or middleware, it is the answer.
   * @param message text of the answer. Default: the status's name.
   * @throws RangeError for a code that is no error's.
   */
  constructor(code: number, message = STATUS_CODES[code] ?? 'Error', options?: HttpErrorOptions) {
    super(message, options);
    if (!(Number.isInteger(code) && code >= 400 && code <= 599))
      throw new RangeError(`code must be 400 to 599; it is ${code}`);
    this.name = 'HttpError';
    this.code = code;
    this.retryAfterS = options?.retryAfterS;
  }
}
