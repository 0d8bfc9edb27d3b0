// The half that all server programs share: report the port, answer samples, end with the harness.
// A program calls `serve` once, and `fault` for whatever must not happen in a run.

import { SAMPLE_REQUEST, type ServerMessage } from '../protocol.js';

function tell(message: ServerMessage): void {
  process.send?.(message);
}

function answerSample(message: unknown): void {
  if (message !== SAMPLE_REQUEST) return;
  const { user, system } = process.cpuUsage();
  tell({
    kind: 'sample',
    atMs: performance.now(),
    userUs: user,
    systemUs: system,
    rssBytes: process.memoryUsage.rss(),
  });
}

/** Ends the run: a benchmark of a server that loses something is worth nothing. */
export function fault(what: string): never {
  process.stderr.write(`bench server: ${what}\n`);
  process.exit(1);
}

/** `listen` begins to listen on 127.0.0.1 and gives the port. */
export async function serve(listen: () => Promise<number>): Promise<void> {
  if (process.send === undefined) fault('this program is started by the benchmark, over an IPC channel');
  process.on('disconnect', () => process.exit(0));
  process.on('message', answerSample);
  tell({ kind: 'listening', port: await listen() });
}
