/** An error that says what the client is answered. */
import { STATUS_CODES } from 'node:http';

export class HttpError extends Error {
  /** Status of the answer, 400 to 599. */
  readonly code: number;

  /**
   * Makes an error. Thrown by a handler or middleware, it is the answer.
   * @param message text of the answer. Default: the status's name.
   * @throws RangeError for a code that is no error's.
   */
  constructor(code: number, message = STATUS_CODES[code] ?? 'Error', options?: ErrorOptions) {
    super(message, options);
    if (!(Number.isInteger(code) && code >= 400 && code <= 599))
      throw new RangeError(`code must be 400 to 599; it is ${code}`);
    this.name = 'HttpError';
    this.code = code;
  }
}
