/** The answer that is an event stream. Its body has no end, and is written to the socket. */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { AsyncWebServerResponse } from '../response/response.js';

export class EventStreamResponse extends AsyncWebServerResponse {
  readonly #onOpen: (socket: Socket) => void;

  /** @param onOpen called when the head has been written. */
  constructor(onOpen: (socket: Socket) => void) {
    super(200, 'text/event-stream', undefined);
    this.#onOpen = onOpen;
    // Caches and proxies must not keep events back; nginx knows it by `X-Accel-Buffering` alone.
    this.addHeader('Cache-Control', 'no-cache');
    this.addHeader('X-Accel-Buffering', 'no');
  }

  override start(reply: ServerResponse, defaults: readonly string[]): Promise<void> | undefined {
    // The stream ends with the connection: its pieces need no lengths.
    reply.useChunkedEncodingByDefault = false;
    return super.start(reply, defaults);
  }

  protected override sendBody(reply: ServerResponse): undefined {
    reply.flushHeaders();
    const { socket } = reply;
    if (socket !== null) this.#onOpen(socket);
    else this.#waitForTurn(reply);
  }

  /** Waits for the answers to requests that came before on the connection. */
  #waitForTurn(reply: ServerResponse): void {
    reply.once('socket', (socket: Socket) => {
      // node:http writes the head behind this event.
      process.nextTick(this.#onOpen, socket);
    });
  }
}
