/**
 * Writes a line for each request when its answer has been sent, or its client has gone: address, method,
 * target, status, bytes that the connection sent, and time.
 */
import type { AsyncWebServerRequest } from '../request/request.js';
import { headerText, targetText } from './log-text.js';
import type { AsyncMiddleware, ArMiddlewareNext } from './middleware.js';

export class AsyncLoggingMiddleware implements AsyncMiddleware {
  #output: (line: string) => void = console.log;
  #isEnabled = true;
  #showsHeaders = false;

  /** Sets what takes a line. Default: `console.log`. */
  setOutput(output: (line: string) => void): this {
    this.#output = output;
    return this;
  }

  /** Sets if lines are written. Default: true. */
  setEnabled(isEnabled: boolean): this {
    this.#isEnabled = isEnabled;
    return this;
  }

  isEnabled(): boolean {
    return this.#isEnabled;
  }

  /** Sets if a line follows for each header; of passwords and cookies without their value. Default: false. */
  setHeaders(showsHeaders: boolean): this {
    this.#showsHeaders = showsHeaders;
    return this;
  }

  run(request: AsyncWebServerRequest, next: ArMiddlewareNext): Promise<void> | undefined {
    if (!this.#isEnabled) return next();
    const { socket, url = '' } = request.message;
    const { remoteAddress = '-', bytesWritten } = socket;
    const since = performance.now();
    const head = `${remoteAddress} ${request.methodToString()} ${targetText(url)}`;
    // Other middleware may hide them.
    const headers = this.#showsHeaders ? request.headers() : [];
    request.onDisconnect(() => {
      const code = request.reply.headersSent ? String(request.reply.statusCode) : '-';
      const bytes = socket.bytesWritten - bytesWritten;
      const took = `${bytes} bytes ${(performance.now() - since).toFixed(1)} ms`;
      this.#output(`${head} ${code} ${took}${request.isGone() ? ', client gone' : ''}`);
      for (const header of headers) this.#output(`> ${headerText(header.name(), header.value())}`);
      if (!this.#showsHeaders) return;
      for (const header of request.getResponse()?.headers() ?? [])
        this.#output(`< ${headerText(header.name(), header.value())}`);
    });
    return next();
  }
}
