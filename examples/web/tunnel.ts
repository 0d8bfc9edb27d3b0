/**
 * A tunnel from a browser to a device that speaks plain TCP: each WebSocket gets a connection of its own, and
 * bytes go both ways. A slow side holds the fast one back, so that the tunnel never keeps much.
 *
 *     DEVICE_HOST=192.168.4.1 DEVICE_PORT=23 node examples/web/build/tunnel.js
 */
import { AsyncClient } from 'asynctcp';
import { AsyncWebServer, AsyncWebSocket, AsyncWebSocketMessageHandler, HTTP_GET } from 'asynctcp-web';
import type { AsyncWebSocketClient } from 'asynctcp-web';
import { options, port, serve, stack } from './serve.js';

const HOST = process.env['DEVICE_HOST'] ?? '127.0.0.1';
const PORT = Number(process.env['DEVICE_PORT'] ?? 23);
const CONNECT_MS = 5000;
/** Time for a device to take what is left of a browser that has gone. */
const GRACE_MS = 10_000;

export const server = new AsyncWebServer(port, options);

/** One browser's connection to the device. */
class Tunnel {
  readonly #browser: AsyncWebSocketClient;
  readonly #device = new AsyncClient(stack === undefined ? {} : { stack });
  /** Bytes that the device's connection has no space for. */
  #rest = Buffer.alloc(0);
  #isEnding = false;

  constructor(browser: AsyncWebSocketClient) {
    this.#browser = browser;
    // Nothing is read from the browser before the device is there.
    browser.pause();
    const device = this.#device;
    device.onConnect(() => this.#pump());
    device.onAck(() => this.#pump());
    device.onData((_, data) => this.#toBrowser(data));
    device.onDisconnect(() => {
      browser.resume();
      browser.close(1000, 'the device has gone');
    });
    device.connect(HOST, PORT, { timeoutMs: CONNECT_MS });
  }

  toDevice(data: Buffer): void {
    if (this.#device.disconnected()) return;
    // Messages that were read before `pause` took effect still come.
    this.#rest = Buffer.concat([this.#rest, data]);
    this.#pump();
  }

  /** Gives the device what it has space for. Nothing more is read from the browser until all is given. */
  #pump(): void {
    if (this.#rest.length > 0) this.#rest = this.#rest.subarray(this.#device.write(this.#rest));
    if (this.#rest.length > 0 || !this.#device.connected()) this.#browser.pause();
    else if (this.#isEnding) this.#device.close();
    else this.#browser.resume();
  }

  /** Gives the browser data. Until it has taken all, nothing more is read: the receive window closes. */
  #toBrowser(data: Uint8Array): void {
    if (this.#browser.binary(data) !== 'queued') return;
    this.#device.pause();
    void this.#browser.drained().then(() => this.#device.resume());
  }

  /** Ends the device's connection, behind what the browser has sent, or when the device does not take it. */
  end(): void {
    this.#isEnding = true;
    const timer = setTimeout(() => this.#device.abort(), GRACE_MS);
    this.#device.onDisconnect(() => clearTimeout(timer));
    if (this.#device.connected()) this.#pump();
    else this.#device.abort();
  }

  /** Bytes that neither side has taken. */
  heldBytes(): number {
    return this.#rest.length + this.#browser.queueBytes();
  }
}

const tunnels = new Map<number, Tunnel>();

const handler = new AsyncWebSocketMessageHandler()
  .onConnect((_server, browser) => tunnels.set(browser.id(), new Tunnel(browser)))
  .onMessage((_server, browser, data) => tunnels.get(browser.id())?.toDevice(data))
  .onDisconnect((_server, id) => {
    tunnels.get(id)?.end();
    tunnels.delete(id);
  });
server.addHandler(new AsyncWebSocket('/device', handler.eventHandler()));

server.on('/held', HTTP_GET, (request) => {
  const held = [...tunnels.values()].map((tunnel) => tunnel.heldBytes());
  request.send(200, 'application/json', JSON.stringify(held));
});

await serve(server);
