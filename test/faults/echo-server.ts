/**
 * A server that echoes with backpressure: bytes that cannot be sent at once are not acknowledged. It closes
 * when its client has closed and everything was sent.
 */
import { ASYNC_WRITE_FLAG_COPY, AsyncServer, type AsyncClient, type TcpStack } from 'asynctcp';
import { Life } from './life.js';

export class EchoLife extends Life {
  readonly peerPort: number;
  #waiting: Uint8Array[] = [];
  #hasEnded = false;

  constructor(client: AsyncClient, report: (what: string) => void) {
    super(`server's end of ${client.remotePort()}`, client, report);
    this.peerPort = client.remotePort();
    this.stands = true;
    this.onPiece = (piece) => {
      const taken = this.#waiting.length > 0 ? 0 : this.client.write(piece);
      this.sent += taken;
      if (taken === piece.length) return;
      this.client.ackLater();
      this.client.ack(taken);
      this.#waiting.push(piece.subarray(taken));
    };
    this.onFin = () => {
      this.#hasEnded = true;
      this.#closeWhenDone();
    };
    this.reportAcks(() => {
      this.#goOn();
    });
  }

  #goOn(): void {
    while (this.#waiting.length > 0) {
      const [piece = new Uint8Array()] = this.#waiting;
      const taken = this.client.add(piece, ASYNC_WRITE_FLAG_COPY);
      this.sent += taken;
      this.client.ack(taken);
      if (taken < piece.length) {
        this.#waiting[0] = piece.subarray(taken);
        break;
      }
      this.#waiting.shift();
    }
    this.client.send();
    this.#closeWhenDone();
  }

  #closeWhenDone(): void {
    if (!this.#hasEnded || this.#waiting.length > 0 || this.isDone) return;
    this.isDone = true;
    this.client.close();
  }
}

export class EchoServer {
  readonly lives: EchoLife[] = [];
  readonly server: AsyncServer;

  constructor(stack: TcpStack, report: (what: string) => void) {
    this.server = new AsyncServer('127.0.0.1', 0, { stack });
    this.server.onClient((client) => {
      this.lives.push(new EchoLife(client, report));
    });
  }

  lifeOf(clientPort: number): EchoLife | undefined {
    return this.lives.find(({ peerPort }) => peerPort === clientPort);
  }
}
