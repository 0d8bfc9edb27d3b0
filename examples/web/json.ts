/**
 * A lamp as JSON and as MessagePack: its state is read and changed, in the form that the client names.
 *
 *     curl http://localhost:8080/lamp
 *     curl --request PATCH --json '{"brightness": 40}' http://localhost:8080/lamp
 *     curl --header 'Accept: application/msgpack' http://localhost:8080/lamp
 */
import {
  AsyncCallbackJsonWebHandler,
  AsyncJsonResponse,
  AsyncMessagePackResponse,
  AsyncWebServer,
  HTTP_GET,
  HTTP_PATCH,
  HTTP_POST,
  HttpError,
  type AsyncWebServerRequest,
} from 'asynctcp-web';
import { options, port, serve } from './serve.js';

/** Bytes of a body: a lamp needs no more. A longer one is answered 413. */
const MOST_BYTES = 1024;

const lamp = { on: false, brightness: 128 };

export const server = new AsyncWebServer(port, options);

/** Answers with a value, in the form that the client accepts. */
function send(request: AsyncWebServerRequest, value: object): void {
  const wantsPack = request.header('accept').includes('application/msgpack');
  request.send(wantsPack ? new AsyncMessagePackResponse(value) : new AsyncJsonResponse(value));
}

// A response of JSON may be filled before it is sent.
server.on('/about', HTTP_GET, (request) => {
  const response = new AsyncJsonResponse<Record<string, unknown>>({});
  response.getRoot()['name'] = 'lamp';
  response.getRoot()['methods'] = ['GET', 'PATCH'];
  response.addHeader('Cache-Control', 'max-age=60');
  request.send(response);
});

// The handler has decoded the body, by its Content-Type. The shape of the value is checked here.
const lampHandler = new AsyncCallbackJsonWebHandler('/lamp', (request, body) => {
  if (body !== undefined) change(body);
  send(request, lamp);
});
server.addHandler(lampHandler.setMethod(HTTP_GET | HTTP_PATCH).setMaxContentLength(MOST_BYTES));

function change(body: unknown): void {
  if (typeof body !== 'object' || body === null) throw new HttpError(422, 'a lamp is an object');
  const wanted: { on?: unknown; brightness?: unknown } = body;
  const { on = lamp.on, brightness = lamp.brightness } = wanted;
  if (typeof on !== 'boolean') throw new HttpError(422, 'on is true or false');
  if (typeof brightness !== 'number' || !(brightness >= 0 && brightness <= 255)) {
    throw new HttpError(422, 'brightness is a number from 0 to 255');
  }
  Object.assign(lamp, { on, brightness });
}

// Any handler can read a body of JSON, also without a class.
server.on('/sum', HTTP_POST, async (request) => {
  const numbers = await request.bodyJson(MOST_BYTES);
  if (!Array.isArray(numbers) || !numbers.every((value) => typeof value === 'number')) {
    throw new HttpError(422, 'send an array of numbers');
  }
  let sum = 0;
  for (const value of numbers) sum += value;
  send(request, { sum });
});

await serve(server);
