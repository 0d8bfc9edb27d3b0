// The library's contestants: a simulated network by `runSync` or `run`, and the kernel's TCP.

import { AsyncClient, AsyncServer, kernelStack, type TcpStack } from 'asynctcp';
import { Network } from 'asynctcp/virtual';

import { type Batch, CHUNK, type Contestant, Countdown, MESSAGE, MESSAGE_BYTES } from './contestant.js';

/** Connections of one host, less than it has ports. */
const MOST_OF_HOST = 20_000;
const FIRST_PORT = 8000;
/** Time after which the connections of a batch have left TIME_WAIT. */
const TIME_WAIT_MS = 130_000;

/** Where the ends are, and how time passes. */
interface World {
  readonly client: TcpStack;
  readonly server: TcpStack;
  /** Returns an address of the server, for connection `number`. */
  address(number: number): string;
  /** True: handlers are async functions, as those of a program of promises. */
  readonly isAsync: boolean;
  /** Lets things happen until it is over. */
  until(countdown: Countdown): Promise<void>;
  readonly rest?: () => Promise<void>;
  /** Returns the stack of a further client host. */
  furtherClient?(): TcpStack;
}

export function virtualWorld(isAsync: boolean): World {
  const network = new Network({ seed: 1, mostEventsAtOneInstant: Number.MAX_SAFE_INTEGER });
  const near = network.host('near', { address: '10.0.0.1' });
  const far = network.host('far', { address: '10.0.0.2' });
  network.link(near, far);
  let hosts = 0;
  const pass = (ms: number): Promise<void> => {
    if (isAsync) return network.run(ms);
    network.runSync(ms);
    return Promise.resolve();
  };
  return {
    client: near.stack,
    server: far.stack,
    address: () => '10.0.0.2',
    isAsync,
    until: async (countdown) => {
      while (!countdown.isOver) await pass(10);
    },
    rest: () => pass(TIME_WAIT_MS),
    furtherClient: () => {
      hosts += 1;
      const host = network.host(`near ${hosts}`, { address: `10.0.1.${hosts}` });
      network.link(host, far);
      return host.stack;
    },
  };
}

export function kernelWorld(): World {
  const stack = kernelStack();
  return {
    client: stack,
    server: stack,
    address: (number) => `127.0.1.${1 + (number % 250)}`,
    isAsync: false,
    until: ({ over }) => over,
  };
}

type Handler = (client: AsyncClient, data: Uint8Array) => void;

/** Returns a handler that is an async function, and waits before it does its work. */
function later(handler: Handler): (client: AsyncClient, data: Uint8Array) => Promise<void> {
  return async (client, data) => {
    await Promise.resolve();
    handler(client, data);
  };
}

export class AsyncClientContestant implements Contestant {
  readonly #world: World;
  #nextPort = FIRST_PORT;

  constructor(world: World) {
    this.#world = world;
  }

  async echo(connections: number): Promise<Batch> {
    const { isAsync } = this.#world;
    const options = { view: !isAsync };
    const answer = (client: AsyncClient, data: Uint8Array): void => {
      client.write(data);
    };
    const port = await this.#serve((client) => {
      client.setNoDelay(true);
      client.onData(isAsync ? later(answer) : answer, options);
    });
    const countdown = new Countdown();
    let unsent = 0;
    let bytes = 0;
    const heard = (client: AsyncClient, data: Uint8Array): void => {
      bytes += data.length;
      if (bytes < MESSAGE_BYTES) return;
      bytes -= MESSAGE_BYTES;
      countdown.done();
      if (unsent <= 0) return;
      unsent -= 1;
      client.write(MESSAGE);
    };
    const clients = await this.#open(connections, port);
    for (const client of clients) {
      client.setNoDelay(true);
      client.onData(isAsync ? later(heard) : heard, options);
    }
    return this.#batch((count) => {
      countdown.begin(count);
      unsent = Math.max(0, count - connections);
      for (const client of clients.slice(0, count)) client.write(MESSAGE);
      return countdown;
    });
  }

  async bulk(): Promise<Batch> {
    const countdown = new Countdown();
    const port = await this.#serve((client) => {
      client.onData(
        (_, data) => {
          countdown.done(data.length);
        },
        { view: true },
      );
    });
    const [client] = await this.#open(1, port);
    let unsent = 0;
    const fill = (): void => {
      while (unsent > 0 && client !== undefined) {
        const taken = client.write(unsent < CHUNK.length ? CHUNK.subarray(0, unsent) : CHUNK);
        if (taken === 0) return;
        unsent -= taken;
      }
    };
    client?.onAck(fill);
    return this.#batch((count) => {
      countdown.begin(count);
      unsent = count;
      fill();
      return countdown;
    });
  }

  async connectClose(): Promise<Batch> {
    const { client: stack } = this.#world;
    const port = await this.#serve((client) => {
      client.close();
    });
    const countdown = new Countdown();
    let number = 0;
    const next = (): void => {
      const client = new AsyncClient({ stack });
      client.onDisconnect(() => {
        countdown.done();
        if (!countdown.isOver) next();
      });
      number += 1;
      client.connect(this.#world.address(number), port);
    };
    return this.#batch((count) => {
      countdown.begin(count);
      next();
      return countdown;
    });
  }

  idle = async (connections: number): Promise<void> => {
    const port = await this.#serve(() => undefined);
    for (let opened = 0; opened < connections; opened += MOST_OF_HOST) {
      const stack = this.#world.furtherClient?.();
      this.#kept.push(...(await this.#open(Math.min(MOST_OF_HOST, connections - opened), port, stack)));
    }
  };
  readonly #kept: AsyncClient[] = [];

  #batch(start: (count: number) => Countdown): Batch {
    const { rest } = this.#world;
    return {
      run: (count) => this.#world.until(start(count)),
      ...(rest !== undefined && { rest }),
    };
  }

  /** Begins to listen, and returns the port. */
  async #serve(onClient: (client: AsyncClient) => void): Promise<number> {
    const { server: stack } = this.#world;
    this.#nextPort += 1;
    const server = new AsyncServer(this.#nextPort, { stack });
    server.onClient(onClient);
    const countdown = new Countdown();
    countdown.begin(1);
    const begun = server.begin().then(() => {
      countdown.done();
    });
    // A run without promises does not wait for one: the server listens once its first event was due.
    if (this.#world.rest !== undefined && !this.#world.isAsync) countdown.done();
    await this.#world.until(countdown);
    await begun;
    return this.#nextPort;
  }

  async #open(count: number, port: number, stack = this.#world.client): Promise<AsyncClient[]> {
    const countdown = new Countdown();
    countdown.begin(count);
    const clients = Array.from({ length: count }, (_, number) => {
      const client = new AsyncClient({ stack });
      client.onConnect(() => {
        countdown.done();
      });
      client.connect(this.#world.address(number), port);
      return client;
    });
    await this.#world.until(countdown);
    return clients;
  }
}
