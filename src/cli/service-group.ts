/**
 * Starts and ends all services together.
 *
 * Call order: `begin`; then `close` once, `abort` if necessary, and `ended` to wait for the last connection.
 */
import { AsyncServer, TcpError, type AsyncClient, type TcpStack } from '../index.js';
import type { Service, Traffic } from './services/service.js';

/** A service cannot listen. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly service: Service;
  readonly port: number;
  override readonly cause: TcpError;

  constructor(service: Service, port: number, cause: TcpError) {
    super(`${service.name}: ${cause.message}`, { cause });
    this.service = service;
    this.port = port;
    this.cause = cause;
  }
}

interface Served {
  readonly service: Service;
  readonly server: AsyncServer;
}

export class ServiceGroup implements Traffic {
  bytesIn = 0;
  bytesOut = 0;
  /** Connections accepted since `begin`. */
  accepted = 0;
  readonly served: readonly Served[];
  readonly #clients = new Set<AsyncClient>();
  #whenEnded: (() => void) | undefined;

  /**
   * @param portOf returns the port of a service; 0 lets the system choose.
   * @param stack `undefined`: the one of the configuration.
   */
  constructor(
    services: readonly Service[],
    address: string,
    portOf: (service: Service) => number,
    stack?: TcpStack,
  ) {
    const options = stack === undefined ? {} : { stack };
    this.served = services.map((service) => ({
      service,
      server: new AsyncServer(address, portOf(service), options),
    }));
  }

  /** Number of present connections. */
  get connections(): number {
    return this.#clients.size;
  }

  /**
   * Starts every service, or none.
   * @throws ListenError (as a rejection)
   */
  async begin(): Promise<void> {
    for (const { service, server } of this.served) {
      server.onClient((client) => {
        this.#accept(service, client);
      });
      try {
        await server.begin();
      } catch (error) {
        await this.#stopListening();
        throw error instanceof TcpError ? new ListenError(service, server.port(), error) : error;
      }
    }
  }

  /** Stops listening, and closes every connection: bytes that were sent still arrive. */
  async close(): Promise<void> {
    await this.#stopListening();
    for (const client of this.#clients) client.close();
  }

  /** Resets every connection that is left. Returns their number. */
  abort(): number {
    const { size } = this.#clients;
    for (const client of this.#clients) client.abort();
    return size;
  }

  /** Resolves when no connection is left. */
  ended(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenEnded = resolve;
      this.#resolveIfEnded();
    });
  }

  async #stopListening(): Promise<void> {
    await Promise.all(this.served.map(({ server }) => server.end()));
  }

  #accept(service: Service, client: AsyncClient): void {
    this.accepted += 1;
    this.#clients.add(client);
    client.onDisconnect(() => {
      this.#clients.delete(client);
      this.#resolveIfEnded();
    });
    service.serve(client, this);
  }

  #resolveIfEnded(): void {
    if (this.#clients.size === 0) this.#whenEnded?.();
  }
}
