/** A host of a run with its programs: servers that end and begin again, clients that come and go, crashes. */
import { AsyncClient, AsyncServer, TcpState } from 'asynctcp';
import type { Host } from '#src/sim/host.js';
import type { Dice } from './dice.js';
import { Life, type RunState } from './run-state.js';
import { drawScript } from './script.js';
import { Talker } from './talker.js';
import type { Route } from './topology.js';

/** A server on `WAITING_PORT` sends after the client's header, one on `SPEAKING_PORT` at once. */
export const WAITING_PORT = 80;
/** Dialing ends of one host at once. */
const MOST_DIALING = { linux: 12, lwip: 2, esp32: 5, arduino: 5 };

export class Station {
  readonly host: Host;
  readonly #run: RunState;
  readonly #dice: Dice;
  readonly #routes: readonly Route[];
  readonly #dialMeanMs: number;
  #life: Life;
  #server: AsyncServer | undefined;
  #dialing = 0;

  constructor(run: RunState, host: Host, routes: readonly Route[], dice: Dice) {
    this.host = host;
    this.#run = run;
    this.#routes = routes;
    this.#dice = dice;
    this.#dialMeanMs = dice.scale(300, 20_000);
    this.#life = new Life(run, host);
  }

  begin(): void {
    this.#serve();
    this.#dialOn();
  }

  // ---- servers

  #serve(): void {
    const life = this.#life;
    const server = new AsyncServer(WAITING_PORT, { stack: this.host.stack });
    this.#server = server;
    server.onClient((client) => {
      const script = drawScript(this.#dice, this.#run.sizeBytes, false);
      const talker = new Talker(client, life, this.#dice, script, true);
      talker.accepted();
    });
    this.#listen(server);
  }

  #listen(server: AsyncServer): void {
    server.begin().catch((error: unknown) => {
      if (!this.#life.isOver) this.#run.fail(`${this.host.name} begins to listen`, error);
    });
  }

  /** Ends the server, and begins it again later. */
  restartServer(pauseMs: number): void {
    const server = this.#server;
    if (server?.status() !== TcpState.LISTEN) return;
    const life = this.#life;
    this.#run.census.fault('a server that ends');
    void server.end();
    life.later(pauseMs, () => this.#listen(server));
  }

  // ---- clients

  #dialOn(): void {
    if (this.#routes.length === 0) return;
    this.#life.later(this.#dice.wait(this.#dialMeanMs), () => {
      if (this.#run.isCalm) return;
      if (this.#dialing < this.#mostDialing()) this.#dial();
      this.#dialOn();
    });
  }

  #mostDialing(): number {
    const { name } = this.host.profile;
    return name === 'linux' || name === 'lwip' || name === 'esp32' || name === 'arduino'
      ? MOST_DIALING[name]
      : 1;
  }

  #dial(): void {
    const route = this.#dice.any(this.#routes);
    if (route === undefined) return;
    const script = drawScript(this.#dice, this.#run.sizeBytes, true);
    const client = new AsyncClient({ stack: this.host.stack });
    const talker = new Talker(client, this.#life, this.#dice, script, false);
    this.#dialing += 1;
    talker.onOver = () => {
      this.#dialing -= 1;
    };
    talker.connect(route.address, WAITING_PORT);
    if (this.#dice.isLucky(0.03)) this.#life.later(this.#dice.wait(1000), () => talker.endNow());
  }

  // ---- crashes

  crash(downMs: number): void {
    if (!this.host.isUp) return;
    const { census, network } = this.#run;
    census.fault('a crash');
    const life = this.#life;
    life.isOver = true;
    this.host.crash({ inFlight: this.#dice.pick(['arrives', 'lost']) });
    for (const talker of [...this.#run.talkers]) if (talker.life === life) talker.crashed();
    network.at(network.nowMs + downMs, () => this.boot());
  }

  /** Boots the host, unless it is up. */
  boot(): void {
    if (this.host.isUp) return;
    this.host.restart();
    this.#dialing = 0;
    this.#life = new Life(this.#run, this.host);
    this.onBoot();
    this.begin();
  }

  onBoot: () => void = () => undefined;

  /** Ends the server for good. */
  end(): void {
    void this.#server?.end();
  }
}
