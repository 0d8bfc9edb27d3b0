/** A monitor with example figures: a gateway on which one connection is stuck, and one link is down. */
import type { ConnectionFigures, MonitorEvent, Second, Snapshot } from 'asynctcp/monitor';
import type { MonitorSource } from 'asynctcp-web/dashboard';

/** Seconds of the history. */
export const HISTORY_S = 900;

const STUCK_FOR_S = 134;
/** That of the gateway's stack, and of the stack that the dashboard has for itself. */
const EXAMPLE_LIMIT = 1024 + 256;

/** Returns a number from 0 to 1 that looks like chance, and is the same each time. */
function noise(seed: number): number {
  const value = Math.sin(seed * 12.9898) * 43_758.5453;
  return value - Math.floor(value);
}

/** Returns a connection on which bytes move. */
export function connectionOf(
  id: number,
  atMs: number,
  more: Partial<ConnectionFigures> = {},
): ConnectionFigures {
  const inPerS = Math.round(400 + 9000 * noise(id) ** 3);
  return {
    id,
    direction: 'in',
    listener: 1,
    stack: 'kernel',
    localAddress: '192.0.2.10',
    localPort: 1883,
    remoteAddress: `198.51.100.${1 + (id % 250)}`,
    remotePort: 40_000 + ((id * 7919) % 25_000),
    state: 'Established',
    openedAtMs: atMs - Math.round(noise(id + 0.5) * 5_000_000),
    bytesIn: inPerS * 700,
    bytesOut: inPerS * 260,
    inPerS,
    outPerS: Math.round(inPerS * 0.4),
    unacknowledged: 0,
    queued: 0,
    withheld: 0,
    paused: false,
    oldestUnacknowledgedMs: 0,
    heardAgoMs: Math.round(noise(id + 0.2) * 900),
    peerWindow: 64_256,
    roundTripMs: 3 + Math.round(300 * noise(id + 0.7) ** 4) / 10,
    retransmissions: noise(id + 0.3) > 0.9 ? 3 : 0,
    blocked: null,
    blockedAtMs: null,
    ...more,
  };
}

/** Returns a connection whose peer does not read. */
export function stuckConnection(id: number, atMs: number, forMs: number): ConnectionFigures {
  return connectionOf(id, atMs, {
    remoteAddress: '198.51.100.23',
    remotePort: 51_234,
    inPerS: 0,
    outPerS: 0,
    unacknowledged: 65_536,
    queued: 41_212,
    oldestUnacknowledgedMs: forMs,
    heardAgoMs: 4100,
    peerWindow: 0,
    blocked: 'peer does not read',
    blockedAtMs: atMs - forMs,
  });
}

export interface ExampleOptions {
  /** Time of the snapshot. */
  readonly atMs: number;
  /** Connections on which bytes move. Default: 46. */
  readonly connections?: number;
  /** False: nothing is stuck, and nothing has failed. Default: true. */
  readonly hasTrouble?: boolean;
}

/** Returns a snapshot of the gateway. */
export function exampleSnapshot({
  atMs,
  connections: count = 46,
  hasTrouble = true,
}: ExampleOptions): Snapshot {
  const connections = Array.from({ length: count }, (_, at) => connectionOf(at + 100, atMs));
  if (hasTrouble) connections.push(stuckConnection(37, atMs, STUCK_FOR_S * 1000));
  const sinceAtMs = atMs - 9 * 3_600_000;
  return {
    atMs,
    sinceAtMs,
    listeners: [listenerOf(1, 1883, connections.length, sinceAtMs), listenerOf(2, 8883, 0, sinceAtMs)],
    totals: {
      connections: connections.length,
      mostConnections: connections.length + 14,
      limit: EXAMPLE_LIMIT,
      accepted: 18_403,
      connected: 212,
      closed: 18_568,
      refused: hasTrouble ? 3 : 0,
      bytesIn: 48_120_332_110,
      bytesOut: 19_874_002_001,
      errors: hasTrouble ? 21 : 0,
      unacknowledged: hasTrouble ? 68_112 : 2576,
      sendBudget: 268_435_456,
    },
    errors: hasTrouble ? errorsOf(atMs) : [],
    links: linksOf(atMs, hasTrouble),
    connections,
    task: taskOf(atMs, hasTrouble),
  };
}

function listenerOf(
  id: number,
  port: number,
  clients: number,
  sinceAtMs: number,
): Snapshot['listeners'][number] {
  return {
    id,
    stack: 'kernel',
    address: '192.0.2.10',
    port,
    accepting: true,
    why: null,
    sinceAtMs,
    clients,
    maxClients: null,
    accepted: 9000 + clients,
    refused: 0,
  };
}

function errorsOf(atMs: number): Snapshot['errors'] {
  return [
    {
      cause: 'ERR_RST',
      count: 18,
      lastAtMs: atMs - 41_000,
      last: '198.51.100.77:40112: the peer has reset the connection',
    },
    {
      cause: 'exception',
      count: 3,
      lastAtMs: atMs - 1_260_000,
      last: 'onData of 198.51.100.9:41877 threw SyntaxError: Unexpected end of JSON input',
    },
  ];
}

function linksOf(atMs: number, hasTrouble: boolean): Snapshot['links'] {
  const down: Partial<Snapshot['links'][number]> = hasTrouble
    ? {
        state: 'waiting',
        sinceAtMs: atMs - 12_000,
        retryInMs: 18_000,
        losses: 1,
        lastFailure: {
          reason: 'rxTimeout',
          text: '203.0.113.8:502 was silent for 30 s',
          atMs: atMs - 72_000,
        },
      }
    : {};
  const up = {
    name: 'broker',
    host: '203.0.113.5',
    port: 1883,
    state: 'up',
    sinceAtMs: atMs - 8 * 3_600_000,
    retryInMs: null,
    attempts: 3,
    ups: 2,
    losses: 1,
    lastFailure: {
      reason: 'ERR_RST',
      text: 'the peer has reset the connection',
      atMs: atMs - 8 * 3_600_000 - 2000,
    },
  } as const;
  return [
    up,
    { ...up, name: 'boiler', host: '203.0.113.8', port: 502, attempts: 9, lastFailure: null, ...down },
  ];
}

function taskOf(atMs: number, hasTrouble: boolean): Snapshot['task'] {
  const bite = {
    atMs: atMs - 400_000,
    text: 'onData of 198.51.100.60:42188 has blocked the task for 5.2 s',
    backtrace: [
      'at parse (file:///srv/gateway/parse.js:41:7)',
      'at onData (file:///srv/gateway/main.js:18:5)',
    ],
  };
  return {
    core: 1,
    priority: 10,
    stackWords: 246_000,
    stackHighWaterMark: 228_410,
    callbacks: [
      { name: 'onData', count: 4_208_112, longestMs: hasTrouble ? 5214 : 12.4, slow: hasTrouble ? 1 : 0 },
      { name: 'onAck', count: 1_911_420, longestMs: 1.92, slow: 0 },
      { name: 'onClient', count: 18_403, longestMs: 0.81, slow: 0 },
    ],
    bites: hasTrouble ? [bite] : [],
  };
}

/** Returns one second of the history. */
export function exampleSecond(atMs: number, connections: number, blocked: number): Second {
  const second = Math.floor(atMs / 1000);
  const wave = 1 + 0.4 * Math.sin(second / 55) + 0.25 * noise(second);
  return {
    atMs,
    connections: Math.max(0, connections - Math.round(2 + 2 * Math.sin(second / 90))),
    accepts: Math.round(4 * wave * noise(second + 0.1)),
    closes: Math.round(4 * wave * noise(second + 0.9)),
    refused: 0,
    errors: noise(second + 0.4) > 0.985 ? 1 : 0,
    bytesIn: Math.round(148_000 * wave),
    bytesOut: Math.round(61_000 * (wave + 0.2 * noise(second + 0.6))),
    blocked,
    roundTripMs: Math.round(100 * (4 + wave + noise(second + 0.8))) / 100,
    retransmissions: noise(second + 0.2) > 0.96 ? 2 : 0,
  };
}

function exampleEvents(atMs: number): MonitorEvent[] {
  const event = (
    agoMs: number,
    kind: MonitorEvent['kind'],
    level: MonitorEvent['level'],
    text: string,
  ): Omit<MonitorEvent, 'id'> => ({ atMs: atMs - agoMs, kind, level, text, connection: null });
  return [
    event(9 * 3_600_000, 'listen', 'info', 'listens on 192.0.2.10:1883'),
    event(9 * 3_600_000 - 4, 'listen', 'info', 'listens on 192.0.2.10:8883'),
    event(700_000, 'refuse', 'warn', '192.0.2.10:1883 has refused 3 connections'),
    event(400_000, 'bite', 'error', 'onData of 198.51.100.60:42188 has blocked the task for 5.2 s'),
    event(STUCK_FOR_S * 1000, 'block', 'warn', '#37 from 198.51.100.23:51234: peer does not read'),
    event(72_000, 'link', 'error', 'boiler is lost: rxTimeout, 203.0.113.8:502 was silent for 30 s'),
    event(41_000, 'error', 'warn', 'ERR_RST: 198.51.100.77:40112: the peer has reset the connection'),
  ].map((fields, at) => ({ id: at + 1, ...fields }));
}

export class ExampleMonitor implements MonitorSource {
  /** Actions that were asked for. */
  readonly acts: string[] = [];
  /** Called when a handler no longer follows the seconds. */
  onUnfollowed: (() => void) | undefined;
  readonly #seconds: Second[];
  readonly #events: MonitorEvent[];
  readonly #handlers = new Set<(second: Second) => void>();
  #snapshot: Snapshot;

  constructor(options: ExampleOptions) {
    this.#snapshot = exampleSnapshot(options);
    const { atMs, hasTrouble = true } = options;
    const count = this.#snapshot.connections.length;
    this.#seconds = Array.from({ length: HISTORY_S }, (_, at) => {
      const ago = HISTORY_S - 1 - at;
      return exampleSecond(atMs - ago * 1000, count, hasTrouble && ago < STUCK_FOR_S ? 1 : 0);
    });
    this.#events = exampleEvents(atMs).slice(0, hasTrouble ? undefined : 2);
  }

  /** Number of handlers that follow the seconds. */
  get followers(): number {
    return this.#handlers.size;
  }

  /** Ends a second: the figures become those of `snapshot`. */
  tick(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    const blocked = snapshot.connections.filter((figures) => figures.blocked !== null).length;
    const second = exampleSecond(snapshot.atMs, snapshot.connections.length, blocked);
    this.#seconds.push(second);
    this.#seconds.splice(0, Math.max(0, this.#seconds.length - HISTORY_S));
    for (const handler of this.#handlers) handler(second);
  }

  /** Adds an event to the log. */
  happen(event: Omit<MonitorEvent, 'id'>): void {
    this.#events.push({ id: this.#events.length + 1, ...event });
  }

  snapshot(): Snapshot {
    return this.#snapshot;
  }

  history(): readonly Second[] {
    return this.#seconds;
  }

  events(sinceId: number): readonly MonitorEvent[] {
    return this.#events.filter(({ id }) => id > sinceId);
  }

  onSecond(handler: (second: Second) => void): () => void {
    this.#handlers.add(handler);
    return () => {
      this.#handlers.delete(handler);
      this.onUnfollowed?.();
    };
  }

  close(id: number): boolean {
    return this.#act('close', id);
  }

  reset(id: number): boolean {
    return this.#act('reset', id);
  }

  #act(how: string, id: number): boolean {
    this.acts.push(`${how} ${id}`);
    const rest = this.#snapshot.connections.filter((figures) => figures.id !== id);
    const isDone = rest.length < this.#snapshot.connections.length;
    this.#snapshot = { ...this.#snapshot, connections: rest };
    return isDone;
  }
}
