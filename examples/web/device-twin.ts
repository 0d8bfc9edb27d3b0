/**
 * The twin of a small device, a lamp, for the tests of its front end: REST, a WebSocket, an event source and
 * the page in `device-twin/`. It fails on
 * demand, as `device-faults.ts` says:
 *
 *     curl --json '{"kind": "slow", "ms": 2000}' http://localhost:8080/admin/fault
 *     curl --json '{"ms": 3000}' http://localhost:8080/admin/reboot
 */
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  AsyncCallbackJsonWebHandler,
  AsyncEventSource,
  AsyncJsonResponse,
  AsyncWebServer,
  AsyncWebSocket,
  AsyncWebSocketMessageHandler,
  HTTP_GET,
  HTTP_POST,
  HttpError,
} from 'asynctcp-web';
import { DeviceFaults, milliseconds } from './device-faults.js';
import { options, port } from './serve.js';

const PAGE = fileURLToPath(new URL('../device-twin', import.meta.url));

/** Survives a reboot, as the flash memory of a device. */
const flash = { boots: 0 };

/** Makes the device as it is after power-on: lamp off, no fault, no client. */
function boot(listenPort: number): AsyncWebServer {
  const state = { on: false, brightness: 128 };
  const bootNumber = (flash.boots += 1);
  const faults = new DeviceFaults();
  const device = new AsyncWebServer(listenPort, options);
  const events = new AsyncEventSource('/events');
  const log = (line: string): unknown => events.send(line, 'log');
  const messages = new AsyncWebSocketMessageHandler();
  const ws = new AsyncWebSocket('/ws', messages.eventHandler());
  const current = (): string => JSON.stringify({ ...state, boots: bootNumber });

  const change = (wanted: unknown): void => {
    if (typeof wanted !== 'object' || wanted === null) throw new HttpError(422, 'a state is an object');
    const { on = state.on, brightness = state.brightness }: { on?: unknown; brightness?: unknown } = wanted;
    const isLevel = typeof brightness === 'number' && brightness >= 0 && brightness <= 255;
    if (typeof on !== 'boolean' || !isLevel) throw new HttpError(422, 'on is a boolean, brightness 0 to 255');
    Object.assign(state, { on, brightness });
    ws.textAll(current());
    log(`${on ? 'on' : 'off'}, brightness ${brightness}`);
  };

  messages.onConnect((_server, client) => client.text(current()));
  messages.onMessage((_server, _client, data) => change(JSON.parse(data.toString())));
  events.onConnect((client) => client.send(`boot ${bootNumber}`, 'log'));
  const stateHandler = new AsyncCallbackJsonWebHandler('/json/state', (request, wanted) => {
    if (wanted !== undefined) change(wanted);
    request.send(new AsyncJsonResponse(state));
  });
  stateHandler.setMethod(HTTP_GET | HTTP_POST);
  for (const handler of [ws, events, stateHandler]) device.addHandler(handler).addMiddleware(faults);

  device.on('/admin/fault', HTTP_POST, async (request) => {
    faults.set(await request.bodyJson());
    request.send(204);
  });
  device.on('/admin/reboot', HTTP_POST, async (request) => {
    const { ms = 1000 } = (await request.bodyJson()) as { ms?: unknown };
    const downMs = milliseconds(ms);
    request.onDisconnect(() => void reboot(downMs));
    request.send(202);
  });
  device.addDefaultHeader('Content-Security-Policy', "default-src 'self'");
  device.serveStatic('/', PAGE).setDefaultFile('index.html');
  return device;
}

let isStopping = false;
let server = boot(port);
await server.begin();
console.log(`listening on ${server.port()}`);

/** Ends all connections at once, and is away for a time. Connections are refused meanwhile. */
async function reboot(downMs: number): Promise<void> {
  const listenPort = server.port();
  await server.end(0);
  await setTimeout(downMs);
  if (isStopping) return;
  server = boot(listenPort);
  await server.begin();
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    isStopping = true;
    void server.end();
  });
}
