/** A host of a run with its programs: servers that end and begin again, clients that come and go, crashes. */
import { AsyncClient, AsyncServer, ErrorCode, TcpError, TcpState } from 'asynctcp';
import { LinkKeeper } from 'asynctcp/gateway';
import type { Host } from '#src/sim/host.js';
import type { Dice } from './dice.js';
import { Life, type RunState } from './run-state.js';
import { drawScript } from './script.js';
import { StreamProgram } from './stream-program.js';
import { Talker, type TalkerOrigin } from './talker.js';
import type { Route } from './topology.js';

/** A server on `WAITING_PORT` sends after the client's header, one on `SPEAKING_PORT` at once. */
export const WAITING_PORT = 80;
const SPEAKING_PORT = 81;
/** Dialing ends of one host at once. */
const MOST_DIALING: Readonly<Record<string, number>> = { linux: 12, lwip: 2, esp32: 5, arduino: 5 };

/** Time after which a server that found no place on its host tries again. */
const LISTEN_AGAIN_MS = 1000;

class Server {
  readonly server: AsyncServer;
  readonly talkers = new Set<Talker>();

  constructor(life: Life, port: number, dice: Dice) {
    this.server = new AsyncServer(port, { stack: life.host.stack });
    this.server.onClient((client) => {
      const origin = { client, isAccepted: true, waitsForHeader: port === WAITING_PORT };
      const script = drawScript(dice, life.run.sizeBytes, false);
      const talker = new Talker(
        origin,
        life,
        dice,
        life.run.isSafe ? { ...script, ending: 'shuts' } : script,
      );
      this.talkers.add(talker);
      talker.onOver = () => {
        this.talkers.delete(talker);
      };
      talker.accepted();
    });
  }
}

export class Station {
  readonly host: Host;
  readonly #run: RunState;
  readonly #dice: Dice;
  readonly #routes: readonly Route[];
  readonly #dialMeanMs: number;
  #life: Life;
  #servers: Server[] = [];
  #keepers: LinkKeeper[] = [];
  #dialing = 0;
  /** Called for each boot after the first one, before its programs begin. */
  onBoot: () => void = () => undefined;

  constructor(run: RunState, host: Host, routes: readonly Route[], dice: Dice) {
    this.host = host;
    this.#run = run;
    this.#routes = routes;
    this.#dice = dice;
    this.#dialMeanMs = dice.scale(300, 20_000);
    this.#life = new Life(run, host);
  }

  begin(): void {
    const life = this.#life;
    this.#servers = [WAITING_PORT, SPEAKING_PORT].map((port) => new Server(life, port, this.#dice));
    for (const { server } of this.#servers) this.#listen(server);
    this.#dialOn();
    if (this.#dice.isLucky(0.3)) this.#keep();
  }

  // ---- servers

  #listen(server: AsyncServer): void {
    const life = this.#life;
    server.begin().catch((error: unknown) => {
      if (life.isOver) return;
      // On a profile whose listeners count as connections, one has to end first.
      const isFull = error instanceof TcpError && error.code === ErrorCode.ERR_MEM;
      if (!isFull || this.host.profile.tcp.exhaustion !== 'all') {
        this.#run.fail(`${this.host.name} begins to listen`, error);
        return;
      }
      life.later(LISTEN_AGAIN_MS, () => {
        this.#listen(server);
      });
    });
  }

  /** Ends a server, and begins it again later. */
  restartServer(pauseMs: number): void {
    const serving = this.#dice.any(this.#servers);
    if (serving?.server.status() !== TcpState.LISTEN) return;
    const { server, talkers } = serving;
    this.#run.census.fault('a server that ends');
    const clients = this.#dice.pick(['leave', 'leave', 'close', 'abort']);
    if (clients !== 'leave') for (const talker of talkers) talker.serverEnded(clients);
    void server.end({ clients });
    this.#life.later(pauseMs, () => {
      this.#listen(server);
    });
  }

  // ---- clients

  #dialOn(): void {
    if (this.#routes.length === 0) return;
    this.#life.later(this.#dice.wait(this.#dialMeanMs), () => {
      if (this.#run.isCalm) return;
      if (this.#dialing < (MOST_DIALING[this.host.profile.name] ?? 1)) this.#dial();
      this.#dialOn();
    });
  }

  #dial(): void {
    const dice = this.#dice;
    const route = dice.any(this.#routes);
    if (route === undefined) return;
    const life = this.#life;
    this.#dialing += 1;
    const over = (): void => {
      this.#dialing -= 1;
    };
    if (dice.isLucky(0.15)) {
      void new StreamProgram(life, dice).play(route.address, WAITING_PORT).then(over);
      return;
    }
    const client = new AsyncClient({ stack: this.host.stack });
    const port = dice.pick([WAITING_PORT, WAITING_PORT, SPEAKING_PORT]);
    const talker = this.#talkOn({ client, isAccepted: false, waitsForHeader: false }, port);
    talker.onOver = over;
    talker.connect(route.address, port);
    if (dice.isLucky(0.03)) {
      life.later(dice.wait(1000), () => {
        talker.endNow();
      });
    }
  }

  /** Returns the dialing end of a connection to a port. */
  #talkOn(origin: TalkerOrigin, port: number): Talker {
    const script = drawScript(this.#dice, this.#run.sizeBytes, true);
    // A server that speaks first has no header to wait for, and sends no echo.
    const wantsEcho = script.wantsEcho && port === WAITING_PORT;
    return new Talker(origin, this.#life, this.#dice, { ...script, wantsEcho });
  }

  /** Begins a link that connects again and again. */
  #keep(): void {
    const dice = this.#dice;
    const route = dice.any(this.#routes);
    if (route === undefined) return;
    const keeper = new LinkKeeper(route.address, WAITING_PORT, {
      stack: this.host.stack,
      random: () => dice.fraction(),
      connectTimeoutMs: dice.size(1000, 60_000),
      ackTimeoutMs: dice.size(1000, 60_000),
    });
    this.#keepers.push(keeper);
    keeper.onUp((client) => {
      const origin = { client, isAccepted: false, waitsForHeader: false, isKept: true };
      this.#talkOn(origin, WAITING_PORT).accepted();
    });
    keeper.onRetry(() => {
      this.#run.census.end('a link that connects again');
    });
    keeper.start();
  }

  /** Ends the links, and leaves their clients to themselves. */
  letLinksGo(): void {
    for (const keeper of this.#keepers) void keeper.end({ client: 'leave' });
    this.#keepers = [];
  }

  /** Connects to a host that nothing disturbs: the echo comes back, and both ends end in order. */
  probe(address: string): void {
    const script = drawScript(this.#dice, 1000, true);
    const client = new AsyncClient({ stack: this.host.stack });
    const origin = { client, isAccepted: false, waitsForHeader: false };
    const plain = { wantsEcho: true, ending: 'shuts', bytes: 500, roundBytes: 100, pieceBytes: 100 } as const;
    const talker = new Talker(origin, this.#life, this.#dice, { ...script, ...plain });
    talker.connect(address, WAITING_PORT);
  }

  // ---- crashes

  crash(downMs: number): void {
    if (!this.host.isUp) return;
    const { census, network } = this.#run;
    census.fault('a crash');
    const life = this.#life;
    life.isOver = true;
    this.host.crash({ inFlight: this.#dice.pick(['arrives', 'lost']) });
    this.letLinksGo();
    for (const actor of [...this.#run.actors]) if (actor.life === life) actor.crashed();
    network.at(network.nowMs + downMs, () => {
      this.boot();
    });
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

  /** Ends the servers for good. */
  end(): void {
    for (const { server } of this.#servers) void server.end();
  }
}
