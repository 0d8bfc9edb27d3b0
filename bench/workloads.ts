// What the load generator does to a server: the benchmark's workloads. Each is a closed-loop echo.

export interface Workload {
  readonly name: string;
  readonly messageBytes: number;
  readonly connections: number;
}

const MESSAGES = [
  { label: '64B', bytes: 64 },
  { label: '16KiB', bytes: 16 * 1024 },
] as const;

const CONNECTIONS = [1, 50, 500] as const;

export const WORKLOADS: readonly Workload[] = MESSAGES.flatMap(({ label, bytes }) =>
  CONNECTIONS.map((connections) => ({
    name: `echo-${label}-${connections}c`,
    messageBytes: bytes,
    connections,
  })),
);
