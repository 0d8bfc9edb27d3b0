/**
 * A WebSocket that sends back what it gets. `/ws` takes whole messages, however the client's frames are torn
 * and fragmented on the way; `/pieces` takes long messages in pieces, as a device with little memory does.
 *
 *     npx wscat --connect ws://localhost:8080/ws
 */
import {
  AsyncWebServer,
  AsyncWebSocket,
  AsyncWebSocketMessageHandler,
  HTTP_GET,
  WS_EVT_CONNECT,
  WS_EVT_DATA,
  WS_EVT_DISCONNECT,
  WS_EVT_ERROR,
  WS_EVT_PING,
  WS_EVT_PONG,
  WS_TEXT,
} from 'asynctcp-web';
import { options, port, serve } from './serve.js';

/** Bytes of a message: a longer one closes the client with 1009. */
const MOST_BYTES = 65_536;

export const server = new AsyncWebServer(port, options);

const counts = { connected: 0, messages: 0, bytes: 0, pings: 0, errors: 0 };

// One function for all that happens.
const ws = new AsyncWebSocket('/ws', { limits: { messageBytes: MOST_BYTES } });
ws.onEvent((_server, client, type, arg, data, len) => {
  switch (type) {
    case WS_EVT_CONNECT:
      counts.connected += 1;
      return;
    case WS_EVT_DATA:
      counts.messages += 1;
      counts.bytes += len;
      if (arg.opcode === WS_TEXT) client.text(data);
      else client.binary(data);
      return;
    case WS_EVT_PING:
      // It has been answered already.
      counts.pings += 1;
      return;
    case WS_EVT_ERROR:
      counts.errors += 1;
      return;
    case WS_EVT_DISCONNECT:
      counts.connected -= 1;
      return;
    case WS_EVT_PONG:
      return;
  }
});
server.addHandler(ws);

// A function for each kind. A message is short and whole, or it comes in pieces of `pieceBytes`.
const handler = new AsyncWebSocketMessageHandler()
  .onMessage((_server, client, data) => client.text(`whole: ${data.length}`))
  .onFragment((_server, client, { index, len }, data) => {
    client.text(`piece: ${index} to ${index + data.length} of ${len}`);
  });
const limits = { messageBytes: MOST_BYTES, queueMessages: 1024 };
server.addHandler(
  new AsyncWebSocket('/pieces', { pieceBytes: 1024, limits }).onEvent(handler.eventHandler()),
);

server.on('/counts', HTTP_GET, (request) => {
  request.send(200, 'application/json', JSON.stringify(counts));
});

await serve(server);
