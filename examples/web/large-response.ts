/**
 * A body that is larger than the memory for it, made in three ways while it is sent: each asks the program
 * for a piece only when the connection has space.
 */
import { AsyncWebServer, HTTP_GET } from 'asynctcp-web';
import { options, port, serve } from './serve.js';

const BLOCK_BYTES = 16_384;
const BODY_BYTES = 1000 * BLOCK_BYTES;

/** Returns the letter that fills a block: the first has A, the 27th A again. */
function letterOf(block: number): string {
  return String.fromCharCode(65 + (block % 26));
}

/** Fills in what follows the first `index` bytes. Returns how many bytes that is: 0 at the end. */
function fill(buffer: Buffer, maxLen: number, index: number): number {
  const untilNextBlock = BLOCK_BYTES - (index % BLOCK_BYTES);
  const count = Math.min(maxLen, untilNextBlock, BODY_BYTES - index);
  buffer.fill(letterOf(Math.floor(index / BLOCK_BYTES)), 0, count);
  return count;
}

/** Yields the same body. It may wait for each piece, and ends with `finally` if the client goes. */
async function* blocks(): AsyncGenerator<string> {
  let sent = 0;
  try {
    while (sent * BLOCK_BYTES < BODY_BYTES) {
      await new Promise(setImmediate);
      yield letterOf(sent).repeat(BLOCK_BYTES);
      sent += 1;
    }
  } finally {
    console.log(
      sent * BLOCK_BYTES < BODY_BYTES ? `the client has gone after ${sent} blocks` : 'all was sent',
    );
  }
}

const server = new AsyncWebServer(port, options);

// The length is known: the client sees it, and can show how far it is.
server.on('/length', HTTP_GET, (request) => request.send('text/plain', BODY_BYTES, fill));

// The length is not known before the end: HTTP/1.1 sends chunks.
server.on('/chunks', HTTP_GET, (request) => request.sendChunked('text/plain', fill));

// As well in chunks, from an iterable. A stream of Node or of the web is one.
server.on('/iterable', HTTP_GET, (request) => request.sendChunked('text/plain', blocks()));

await serve(server);
