/**
 * Sends random requests to a web server:
 *
 *     npm run test:web-fuzz -- [--stack memory] [--requests number] [--seed number]
 *
 * The first violation ends it with status 1, and prints the seed of its connection.
 */
import { randomInt } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { FILES, Fuzzer, type FuzzOptions } from './fuzzer.js';
import type { Totals } from './run.js';

const STACKS = ['memory', 'kernel', 'node'] as const;

const { values } = parseArgs({
  options: { stack: { type: 'string' }, requests: { type: 'string' }, seed: { type: 'string' } },
});
const stack: FuzzOptions['stack'] = STACKS.find((name) => name === values.stack) ?? 'memory';
const seed = Number(values.seed ?? randomInt(2 ** 31));
const requests = Number(values.requests ?? 1_000_000);

function fail(violations: readonly string[]): never {
  console.error(violations.join('\n'));
  console.error(`again: npm run test:web-fuzz -- --stack ${stack} --requests ${requests} --seed ${seed}`);
  process.exit(1);
}

process.on('uncaughtException', (error) => {
  fail([`uncaught: ${error.stack ?? String(error)}`]);
});
process.on('unhandledRejection', (error) => {
  fail([`unhandled: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`]);
});

function megabytes(): string {
  globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return [heapUsed, external, rss].map((bytes) => (bytes / 2 ** 20).toFixed(0)).join(' / ');
}

function report({ requests: sent, connections, statuses }: Totals): void {
  const counts = [...statuses].sort().map(([status, count]) => `${status}: ${count}`);
  console.log(`${sent} requests on ${connections} connections; first answers ${counts.join(', ')}`);
  console.log(`  heap / external / rss in MiB: ${megabytes()}`);
}

const folder = mkdtempSync(join(tmpdir(), 'asynctcp-web-fuzz-'));
for (const [name, content] of Object.entries(FILES)) writeFileSync(join(folder, name), content);
mkdirSync(join(folder, 'deep'));
process.on('exit', () => {
  rmSync(folder, { recursive: true, force: true });
});
const fuzzer = new Fuzzer({ stack, seed, requests, folder, onProgress: report });
await fuzzer.run();
report(fuzzer.totals);
if (fuzzer.violations.length > 0) fail(fuzzer.violations);
