/** A program of promises: it connects, sends, and reads what comes back, with `asynctcp/streams`. */
import { AsyncClient, TcpError } from 'asynctcp';
import { end, read, write } from 'asynctcp/streams';
import type { Dice } from './dice.js';
import type { Actor, Life } from './run-state.js';
import { HEADER_BYTES, IncomingStream, type OutgoingStream } from './streams.js';

export class StreamProgram implements Actor {
  readonly life: Life;
  readonly outgoing: OutgoingStream;
  readonly incoming: IncomingStream;
  readonly #dice: Dice;
  readonly #name: string;
  #client: AsyncClient | undefined;

  constructor(life: Life, dice: Dice) {
    this.life = life;
    this.#dice = dice;
    const { book } = life.run;
    this.outgoing = book.open(`${life.host.name} streaming`, true);
    this.#name = `${life.host.name} streaming ${this.outgoing.id}`;
    this.incoming = new IncomingStream(book, this.#name);
  }

  isConnected = false;

  /** Runs the program. The promise is fulfilled, unless the host crashes. */
  async play(address: string, port: number): Promise<void> {
    const { run } = this.life;
    run.actors.add(this);
    try {
      await this.#converse(address, port);
      run.census.end('a stream in order');
    } catch (error) {
      if (error instanceof TcpError) run.census.end('a stream that failed');
      else run.fail(this.#name, error);
    }
    run.actors.delete(this);
  }

  async #converse(address: string, port: number): Promise<void> {
    const client = new AsyncClient({ stack: this.life.host.stack });
    this.#client = client;
    client.setAllowHalfOpen(true);
    const isUp = new Promise<void>((resolve, reject) => {
      client.onConnect(() => {
        resolve();
      });
      client.onError((_, code) => {
        reject(new TcpError(code, 'converse'));
      });
      client.onDisconnect(() => {
        reject(new TcpError(0, 'converse'));
      });
    });
    client.connect(address, port);
    await isUp;
    this.isConnected = true;
    const sending = this.#send(client);
    sending.catch(() => undefined);
    for await (const piece of read(client)) this.incoming.take(piece);
    this.incoming.ended();
    await sending;
    client.close();
  }

  async #send(client: AsyncClient): Promise<void> {
    const { outgoing } = this;
    const length = HEADER_BYTES + this.#dice.size(1, this.life.run.sizeBytes);
    while (outgoing.added < length) {
      const bytes = outgoing.bytes(
        outgoing.added,
        Math.min(length - outgoing.added, this.#dice.size(1, 30_000)),
      );
      outgoing.added += bytes.length;
      await write(client, bytes);
    }
    outgoing.endsAt = outgoing.added;
    await end(client);
  }

  endNow(): void {
    this.#client?.abort();
  }

  crashed(): void {
    this.life.run.actors.delete(this);
  }

  describe(): string {
    const state = this.#client?.stateToString() ?? 'no client';
    return `${this.#name}: ${state}, ${this.outgoing.added} bytes written, ${this.incoming.received} read`;
  }
}
