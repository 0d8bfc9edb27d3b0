/** A program to be tested: delivers readings over a connection that it makes again whenever it is lost. */
import { AsyncClient, type ClientOptions } from 'asynctcp';

const RETRY_MS = 2000;
const ACK_TIMEOUT_MS = 10_000;

export class Uplink {
  readonly #client: AsyncClient;
  /** Readings that the server's host has not acknowledged. */
  readonly #waiting: Uint8Array[] = [];
  /** Readings and bytes of them that this connection has sent and that are not acknowledged. */
  #sent = 0;
  #ackedBytes = 0;

  constructor(host: string, port: number, options: ClientOptions = {}) {
    this.#client = new AsyncClient(options);
    const connect = (): boolean => this.#client.connect(host, port, { timeoutMs: 5000 });
    this.#client.setAckTimeout(ACK_TIMEOUT_MS);
    this.#client.onConnect(() => {
      this.#sent = this.#ackedBytes = 0;
      this.#flush();
    });
    this.#client.onAck((_, bytes) => {
      this.#acknowledged(bytes);
    });
    this.#client.onTimeout(() => void this.#client.abort());
    this.#client.onDisconnect(() => void setTimeout(connect, RETRY_MS));
    connect();
  }

  send(reading: string): void {
    this.#waiting.push(new TextEncoder().encode(`${reading}\n`));
    if (this.#client.connected()) this.#flush();
  }

  #flush(): void {
    for (const reading of this.#waiting.slice(this.#sent)) {
      if (this.#client.space() < reading.length) return;
      this.#client.write(reading);
      this.#sent += 1;
    }
  }

  #acknowledged(bytes: number): void {
    this.#ackedBytes += bytes;
    for (let first = this.#waiting[0]; first && this.#ackedBytes >= first.length; first = this.#waiting[0]) {
      this.#ackedBytes -= first.length;
      this.#sent -= 1;
      this.#waiting.shift();
    }
    this.#flush();
  }
}
