// The benchmark's workloads.

import { REFERENCE } from './contestants.js';
import { type Mode, OUTGOING_CONNECTIONS } from './protocol.js';

/** The unit that is counted, and that CPU times refer to. */
export type Unit = 'message' | 'request' | 'MiB' | 'connection';

/** One run of the load generator. The modes are those of `load/modes.h`. */
export interface Load {
  readonly mode: 'echo' | 'connect' | 'receive' | 'send' | 'answer';
  /** One of `load/protocol.h`, or of `load/answer.c`; plain echoes without it. */
  readonly protocol?: 'http' | 'websocket' | 'redis';
  readonly isTls?: true;
  readonly connections: number;
  readonly messageBytes: number;
}

export interface Workload {
  readonly name: string;
  /** `--quick` includes it. */
  readonly inQuick: boolean;
  /** A full run includes it. */
  readonly inFull: boolean;
  readonly server: Mode;
  readonly load: Load;
  readonly unit: Unit;
  /** Connections that are open and idle during the load. */
  readonly idle: number;
  /** Only these contestants, and only if the last of them takes part. */
  readonly only?: readonly string[];
  /** Not these contestants. */
  readonly without?: readonly string[];
  /** The server's program uses one of `libraries.ts`. */
  readonly hasLibrary?: true;
}

const MESSAGES = [
  { label: '64B', bytes: 64 },
  { label: '16KiB', bytes: 16 * 1024 },
] as const;

const CONNECTIONS = [1, 50, 500] as const;
const IN_QUICK: readonly string[] = ['echo-64B-50c', 'echo-64B-500c', 'echo-16KiB-50c'];

const ECHO: readonly Workload[] = MESSAGES.flatMap(({ label, bytes }) =>
  CONNECTIONS.map((connections): Workload => {
    const name = `echo-${label}-${connections}c`;
    return {
      name,
      inQuick: IN_QUICK.includes(name),
      inFull: true,
      server: 'echo',
      load: { mode: 'echo', connections, messageBytes: bytes },
      unit: 'message',
      idle: 0,
    };
  }),
);

const BULK: readonly Workload[] = [
  {
    name: 'bulk-send',
    inQuick: true,
    inFull: true,
    server: 'send',
    load: { mode: 'receive', connections: 1, messageBytes: 1 },
    unit: 'MiB',
    idle: 0,
  },
  {
    name: 'bulk-receive',
    inQuick: true,
    inFull: true,
    server: 'discard',
    load: { mode: 'send', connections: 1, messageBytes: 1 },
    unit: 'MiB',
    idle: 0,
  },
];

const CONNECT: Workload = {
  name: 'connect-close',
  inQuick: true,
  inFull: true,
  server: 'echo',
  load: { mode: 'connect', connections: 50, messageBytes: 1 },
  unit: 'connection',
  idle: 0,
};

function idle(count: number, inQuick: boolean): Workload {
  return {
    name: `idle-${count}`,
    inQuick,
    inFull: !inQuick,
    server: 'echo',
    load: { mode: 'echo', connections: 100, messageBytes: 64 },
    unit: 'message',
    idle: count,
  };
}

export const WORKLOADS: readonly Workload[] = [
  ...ECHO,
  ...BULK,
  CONNECT,
  idle(2000, true),
  idle(10_000, false),
  { ...idle(50_000, false), only: [REFERENCE, 'asynctcp/kernel'] },
];

interface Web {
  readonly server: Mode;
  readonly load: Omit<Load, 'connections' | 'messageBytes'>;
  readonly connections?: number;
  readonly unit?: Unit;
  readonly isInQuick?: true;
  readonly without?: readonly string[];
}

/** Their servers are Node's own modules; those of the others, libraries. */
const OF_NODE: readonly Mode[] = ['http', 'https', 'agent', 'fetch'];

const HTTP = { mode: 'echo', protocol: 'http' } as const;
const ANSWERS = { mode: 'answer', protocol: 'http' } as const;

function web({ server, load, connections = 50, unit = 'request', isInQuick, without = [] }: Web): Workload {
  return {
    name: `${server}-${connections}c`,
    inQuick: isInQuick === true,
    inFull: true,
    server,
    load: { ...load, connections, messageBytes: 64 },
    unit,
    idle: 0,
    without,
    ...(OF_NODE.includes(server) ? {} : { hasLibrary: true }),
  };
}

function idleHttp(count: number, inQuick: boolean): Workload {
  const load: Load = { ...HTTP, connections: 50, messageBytes: 64 };
  return { ...idle(count, inQuick), name: `http-idle-${count}`, server: 'http', load, unit: 'request' };
}

/** Programs with libraries and Node's own modules: those that serve, and those that make requests. */
export const WEB_WORKLOADS: readonly Workload[] = [
  web({ server: 'http', load: HTTP, isInQuick: true }),
  web({ server: 'http', load: HTTP, connections: 500 }),
  web({ server: 'https', load: { ...HTTP, isTls: true } }),
  web({ server: 'fastify', load: HTTP, isInQuick: true }),
  web({ server: 'express', load: HTTP, isInQuick: true }),
  web({ server: 'hono', load: HTTP }),
  web({ server: 'ws', load: { mode: 'echo', protocol: 'websocket' }, unit: 'message', isInQuick: true }),
  web({ server: 'agent', load: ANSWERS, connections: OUTGOING_CONNECTIONS, isInQuick: true }),
  // Bun has another module under this name.
  web({ server: 'undici', load: ANSWERS, connections: OUTGOING_CONNECTIONS, without: ['bun'] }),
  // Node's own fetch takes no socket of another maker, so there is no explicit form.
  web({ server: 'fetch', load: ANSWERS, connections: OUTGOING_CONNECTIONS, without: ['explicit'] }),
  web({ server: 'ioredis', load: { mode: 'answer', protocol: 'redis' }, connections: OUTGOING_CONNECTIONS }),
  idleHttp(1000, true),
  idleHttp(5000, false),
];
