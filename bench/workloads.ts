// The benchmark's workloads.

import { REFERENCE } from './contestants.js';
import type { ServerMode } from './protocol.js';

/** The unit that is counted, and that CPU times refer to. */
export type Unit = 'message' | 'MiB' | 'connection';

/** One run of the load generator. The modes are those of `load/modes.h`. */
export interface Load {
  readonly mode: 'echo' | 'connect' | 'receive' | 'send';
  readonly connections: number;
  readonly messageBytes: number;
}

export interface Workload {
  readonly name: string;
  /** `--quick` includes it. */
  readonly inQuick: boolean;
  /** A full run includes it. */
  readonly inFull: boolean;
  readonly server: ServerMode;
  readonly load: Load;
  readonly unit: Unit;
  /** Connections that are open and idle during the load. */
  readonly idle: number;
  /** Only these contestants, and only if the last of them takes part. */
  readonly only?: readonly string[];
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
