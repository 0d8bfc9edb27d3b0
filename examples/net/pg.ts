/** pg: 50 connections ask PostgreSQL at once, a megabyte comes back, and a notification arrives. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import pg from 'pg';
import { explicitly, MEGABYTE, newSocket } from './network.js';

const pool = new pg.Pool({
  host: '127.0.0.1',
  port: Number(process.argv[2] ?? 5432),
  user: 'postgres',
  max: 50,
  ...explicitly({ stream: newSocket }),
});

// Each connection waits until all are there, so that none is used twice.
const clients = await Promise.all(Array.from({ length: 50 }, () => pool.connect()));
const answers = clients.map((client, n) =>
  client.query<{ sum: string }>('select sum(i) from generate_series(1, $1) i', [n]),
);
const sums = (await Promise.all(answers)).map(({ rows }) => Number(rows[0]?.sum ?? 0));
for (const [n, sum] of sums.entries()) assert.equal(sum, (n * (n + 1)) / 2);
for (const client of clients) client.release();
console.log(`${sums.length} connections were answered`);

const client = await pool.connect();
const { rows } = await client.query<{ bytes: Buffer }>('select $1::bytea as bytes', [MEGABYTE]);
assert.deepEqual(rows[0]?.bytes, MEGABYTE);
console.log('the megabyte came back');

await client.query('listen news');
const heard = once(client, 'notification') as Promise<[pg.Notification]>;
await pool.query("notify news, 'hello'");
const [{ channel, payload }] = await heard;
console.log(`heard ${channel}: ${String(payload)}`);
client.release(true);
await pool.end();
