/**
 * Connections of every kind on one stack, all at once: echoes with and without backpressure, withheld bytes,
 * half close, close, abort, a refused port, and peers on `node:net` in both roles. An injected error may
 * change which of them fail; everything else is checked at the end.
 */
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { ASYNC_WRITE_FLAG_MORE, AsyncClient, ErrorCode } from 'asynctcp';
import { EchoServer, type EchoLife } from './echo-server.js';
import { Life, stream } from './life.js';
import type { Testbed } from './testbed.js';

const SMALL = 100;
const MESSAGES = 4;
const BULK = 262_144;
const SOME = 65_536;
/** Times that a server tries to listen: more than a call fails. */
const ATTEMPTS = 12;

/** A server on `node:net` that echoes, for the whole test file. */
export class NodePeer {
  readonly #server: Server;
  readonly sockets = new Set<Socket>();

  constructor() {
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket)).on('error', () => undefined);
      socket.pipe(socket);
    });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export class Workload {
  readonly #testbed: Testbed;
  readonly #node: NodePeer;
  readonly #echo: EchoServer;
  readonly #refusedPort: number;
  readonly lives: Life[] = [];
  #port = 0;
  #socketIsOver = true;
  #socketReceived = 0;
  #socketFailed = false;

  constructor(testbed: Testbed, node: NodePeer, refusedPort: number) {
    this.#testbed = testbed;
    this.#node = node;
    this.#refusedPort = refusedPort;
    this.#echo = new EchoServer(testbed.stack, testbed.report);
  }

  /** Runs all connections to their end. What breaks the contract is reported to the testbed. */
  async run(): Promise<void> {
    const testbed = this.#testbed;
    const before = testbed.holdings();
    if (!(await this.#begin())) {
      testbed.report('the server never listens');
      return;
    }
    const port = (this.#port = this.#echo.server.port());
    this.#runBulk(port);
    this.#runWithAcks(port);
    this.#runWithheld(port);
    this.#runAbort(port);
    this.#life('refused', 0).connect(this.#refusedPort);
    this.#runSimple('to node', this.#node.port);
    this.#runSocket(port);
    const isOver = await testbed.holds(() => this.#isOver());
    if (!isOver) {
      testbed.report(`it does not end:\n${this.toString()}`);
      for (const { client } of [...this.lives, ...this.#echo.lives]) client.abort();
    }
    await this.#echo.server.end();
    const isClean = await testbed.holds(() => testbed.holdings() === before);
    if (!isClean) testbed.report(`${before} before, ${testbed.holdings()} after`);
    for (const life of this.lives) this.#checkStream(life);
    for (const life of this.#echo.lives) this.#checkEcho(life);
  }

  async #begin(): Promise<boolean> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      let outcome: 'listens' | 'failed' | undefined;
      this.#echo.server.begin().then(
        () => (outcome = 'listens'),
        () => (outcome = 'failed'),
      );
      await this.#testbed.holds(() => outcome !== undefined);
      if (this.#didListen(outcome)) return true;
    }
    return false;
  }

  #didListen(outcome: string | undefined): boolean {
    return outcome === 'listens';
  }

  #isOver(): boolean {
    const all = [...this.lives, ...this.#echo.lives];
    return all.every((life) => life.isOver) && this.#socketIsOver && this.#node.sockets.size === 0;
  }

  // ---- the parts

  #life(name: string, goal: number): Life {
    const life = new Life(name, new AsyncClient({ stack: this.#testbed.stack }), this.#testbed.report);
    life.goal = goal;
    life.onFin = () => life.client.close();
    this.lives.push(life);
    return life;
  }

  /** Messages one by one, then bulk data; then FIN, before the rest of the echo. There is no `onAck`. */
  #runBulk(port: number): void {
    const life = this.#life('bulk', MESSAGES * SMALL + BULK);
    life.onStart = () => {
      life.client.setNoDelay(true);
      life.client.setKeepAlive(60_000);
      life.writeUpTo(SMALL);
    };
    life.onPiece = () => {
      const isQuick = life.received < MESSAGES * SMALL;
      if (!isQuick) life.writeUpTo(life.goal, 0);
      else if (life.received === life.sent) life.writeUpTo(life.sent + SMALL);
      if (life.sent === life.goal) life.client.shutdown();
    };
    life.onFin = () => {
      life.isDone = life.received === life.goal;
      life.client.close();
    };
    // If the system call for the acknowledged bytes fails, there is no space for a while.
    life.client.onPoll(() => {
      if (life.received >= MESSAGES * SMALL) life.writeUpTo(life.goal);
      if (life.sent === life.goal) life.client.shutdown();
    });
    life.connect(port);
  }

  /** Pieces that leave together; the next ones follow when the last ones are acknowledged. */
  #runWithAcks(port: number): void {
    const life = this.#life('with acks', SOME + SMALL);
    const goOn = (): void => {
      life.writeUpTo(Math.min(life.goal, life.sent + SMALL), ASYNC_WRITE_FLAG_MORE);
      life.writeUpTo(Math.min(life.goal, life.sent + 3 * SMALL), 0);
      life.writeUpTo();
    };
    life.onStart = goOn;
    life.reportAcks(goOn);
    life.onPiece = () => {
      if (life.received < life.goal) return;
      life.isDone = true;
      life.client.close();
    };
    life.connect(port);
  }

  /**
   * Received bytes are acknowledged in a later turn; at the end many are withheld, and `close` drops them.
   */
  #runWithheld(port: number): void {
    const life = this.#life('withheld', 2 * SOME);
    life.onStart = () => {
      life.writeUpTo();
    };
    life.client.onPoll(() => {
      life.writeUpTo();
    });
    life.onPiece = (piece) => {
      life.client.ackLater();
      life.writeUpTo();
      if (life.received > SOME && life.sent === life.goal) {
        life.isDone = true;
        life.client.close();
        return;
      }
      this.#testbed.stack.post(() => {
        life.client.ack(piece.length);
        life.writeUpTo();
      });
    };
    life.connect(port);
  }

  #runAbort(port: number): void {
    const life = this.#life('aborts', SMALL);
    life.onStart = () => {
      life.writeUpTo();
    };
    life.onPiece = () => {
      life.isDone = true;
      life.client.abort();
    };
    life.connect(port);
  }

  /** Withholds only the first piece. */
  #runSimple(name: string, port: number): void {
    const life = this.#life(name, 4 * SOME);
    const goOn = (): void => {
      life.writeUpTo();
    };
    life.onStart = goOn;
    life.client.onPoll(goOn);
    life.onPiece = (piece) => {
      if (life.received === piece.length) {
        life.client.ackLater();
        this.#testbed.stack.post(() => life.client.ack(piece.length));
      }
      life.writeUpTo();
      if (life.received < life.goal) return;
      life.isDone = true;
      life.client.close();
    };
    life.connect(port);
  }

  /** A client on `node:net`. */
  #runSocket(port: number): void {
    this.#socketIsOver = false;
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    socket.on('data', (piece) => {
      if (Buffer.compare(piece, stream(this.#socketReceived, piece.length)) !== 0)
        this.#testbed.report('socket: other bytes');
      this.#socketReceived += piece.length;
    });
    socket.on('error', () => (this.#socketFailed = true));
    socket.on('close', () => (this.#socketIsOver = true));
    socket.on('connect', () => socket.end(stream(0, SOME)));
  }

  // ---- checks that hold with and without errors

  /** Without an error on either side everything arrived. */
  #checkStream(life: Life): void {
    const { name, error } = life;
    if (name === 'refused' && error === undefined) life.report('has no error');
    if (error !== undefined) return;
    if (name === 'aborts') life.report('has no error');
    else if (!life.isDone) life.report(`ended without an error, and before its time: ${life.toString()}`);
    else if (life.acked > life.sent) life.report('more is acknowledged than was sent');
  }

  /** A FIN is the end of the whole stream: a client that fails before does not send one. */
  #checkEcho(life: EchoLife): void {
    const client = this.lives.find(
      ({ client: other }) => other.remotePort() === this.#port && other.localPort() === life.peerPort,
    );
    if (client === undefined || life.error !== undefined) return;
    if (life.received !== client.goal) {
      life.report(`took a part for the whole: ${life.toString()}; the client: ${client.toString()}`);
    }
  }

  /** Returns the connections with an error that none should have after a harmless injection. */
  unwelcomeErrors(): string[] {
    const victims = [...this.lives, ...this.#echo.lives].filter(
      ({ name, error }) => error !== undefined && name !== 'refused' && name !== 'aborts',
    );
    const aborted = this.lives.find(({ name }) => name === 'aborts');
    const peer = this.#echo.lifeOf(aborted?.client.localPort() ?? 0);
    const unwelcome = victims.filter((life) => life !== peer).map((life) => life.toString());
    if (aborted?.error !== ErrorCode.ERR_ABRT || !aborted.isDone) unwelcome.push('the client that aborts');
    if (this.#socketFailed || this.#socketReceived !== SOME) unwelcome.push('the client on node:net');
    return unwelcome;
  }

  toString(): string {
    return [...this.lives, ...this.#echo.lives].map(String).join('\n');
  }
}
