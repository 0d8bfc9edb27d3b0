/**
 * Events beside requests: a counter ticks to all readers of `/events`, while other clients ask for pages.
 *
 *     curl --no-buffer http://localhost:8080/events
 *     npx autocannon http://localhost:8080/
 */
import { AsyncEventSource, AsyncWebServer, HTTP_GET } from 'asynctcp-web';
import { options, port, serve } from './serve.js';

const TICK_MS = Number(process.env['TICK_MS'] ?? 100);

export const server = new AsyncWebServer(port, options);

const counts = { requests: 0, ticks: 0, droppedTicks: 0 };

// A reader that is too slow for the counter loses its connection, comes back by itself, and is sent the ticks
// that it has missed: each has an id, and the last of them are kept.
const events = new AsyncEventSource('/events', {
  policy: 'close',
  limits: { clients: 100, queueMessages: 32, replayEvents: 100 },
});
events.onConnect((client) => {
  client.send(client.lastId() === '' ? 'welcome' : `welcome back after ${client.lastId()}`, 'hello');
});
server.addHandler(events);

const ticker = setInterval(() => {
  counts.ticks += 1;
  counts.droppedTicks += events.send(String(counts.ticks), 'tick', counts.ticks).dropped;
}, TICK_MS);
// The server alone keeps the program alive.
ticker.unref();

server.on('/', HTTP_GET, (request) => {
  counts.requests += 1;
  request.send(200, 'text/plain', `tick ${counts.ticks}\n`);
});

// A page that the server makes in pieces, as fast as the client takes it.
server.on('/long', HTTP_GET, (request) => {
  counts.requests += 1;
  request.sendChunked('text/plain', lines());
});

function* lines(): Generator<string> {
  for (let line = 1; line <= 1000; line += 1) yield `line ${line} at tick ${counts.ticks}\n`;
}

server.on('/counts', HTTP_GET, (request) => {
  const all = { ...counts, readers: events.count(), waiting: events.avgPacketsWaiting() };
  request.send(200, 'application/json', JSON.stringify(all));
});

await serve(server);
