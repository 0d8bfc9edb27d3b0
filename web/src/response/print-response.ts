/** An answer that a program prints, and that is sent as a whole. */
import type { ServerResponse } from 'node:http';
import { AsyncWebServerResponse } from './response.js';

export class AsyncResponseStream extends AsyncWebServerResponse {
  readonly #pieces: Uint8Array[] = [];

  constructor(contentType: string) {
    super(200, contentType, 0);
  }

  /** Adds text or a number. Returns the bytes that were added. */
  print(text: string | number): number {
    return this.write(Buffer.from(String(text)));
  }

  /** Adds text and a line break. Returns the bytes that were added. */
  println(text: string | number = ''): number {
    return this.print(`${text}\r\n`);
  }

  /** Adds bytes. Returns how many. */
  write(bytes: Uint8Array): number {
    this.#pieces.push(bytes);
    this.setLength((this.contentLength() ?? 0) + bytes.length);
    return bytes.length;
  }

  protected override sendBody(reply: ServerResponse): undefined {
    reply.end(Buffer.concat(this.#pieces));
  }
}
