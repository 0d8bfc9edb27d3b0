/**
 * Requests that are answered later: a doorbell. A client waits at `/door` until a ring comes; a client that
 * has gone meanwhile is forgotten.
 *
 *     curl http://localhost:8080/door
 *     curl --request POST http://localhost:8080/ring?who=Ada
 */
import { AsyncWebServer, HTTP_GET, HTTP_POST, HttpError, type AsyncWebServerRequestPtr } from 'asynctcp-web';
import { options, port, serve } from './serve.js';

/** Clients that wait at once: further ones are answered 503. */
const MOST_WAITING = 4;

export const server = new AsyncWebServer(port, options);

const waiting = new Set<AsyncWebServerRequestPtr>();

server.on('/door', HTTP_GET, (request) => {
  if (waiting.size >= MOST_WAITING) throw new HttpError(503, 'enough clients wait at the door');
  // No time limit runs from now on. The reference does not keep a client that has gone.
  const paused = request.pause();
  waiting.add(paused);
  request.onDisconnect(() => waiting.delete(paused));
});

server.on('/waiting', HTTP_GET, (request) => {
  request.send(200, 'text/plain', String(waiting.size));
});

server.on('/ring', HTTP_POST, (request) => {
  let answered = 0;
  for (const paused of waiting) {
    const door = paused.lock();
    if (door === undefined) continue;
    door.send(200, 'text/plain', `${request.hasArg('who') ? request.arg('who') : 'someone'} is at the door`);
    answered += 1;
  }
  waiting.clear();
  request.send(200, 'text/plain', `${answered} heard it`);
});

// A handler that returns a promise needs no pause: it answers when its work is done. The signal ends the work
// of a client that has gone. The server's time for an answer, `answerMs`, does run.
server.on('/measure', HTTP_GET, async (request) => {
  const sum = await measure(1_000_000, request.signal);
  if (sum !== undefined) request.send(200, 'text/plain', `${sum}`);
});

const SLICE = 100_000;

/** Returns the sum of the numbers up to `end`, in slices between which other requests are served. */
async function measure(end: number, signal: AbortSignal): Promise<number | undefined> {
  let sum = 0;
  for (let from = 1; from <= end; from += SLICE) {
    if (signal.aborted) return undefined;
    for (let number = from; number < from + SLICE && number <= end; number += 1) sum += number;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return sum;
}

await serve(server);
