/** mysql2: 50 connections ask MariaDB at once, and a megabyte is stored and read. */
import assert from 'node:assert/strict';
import mysql, { type RowDataPacket } from 'mysql2/promise';
import { connect, explicitly, MEGABYTE } from './network.js';

const port = Number(process.argv[2] ?? 3306);
const pool = mysql.createPool({
  host: '127.0.0.1',
  port,
  user: 'root',
  database: 'test',
  connectionLimit: 50,
  ...explicitly({ stream: () => connect({ port, host: '127.0.0.1' }) }),
});

// Each connection waits until all are there, so that none is used twice.
const connections = await Promise.all(Array.from({ length: 50 }, () => pool.getConnection()));
const answers = connections.map((connection, n) =>
  connection.query<RowDataPacket[]>('select ? * 2 as twice', [n]),
);
for (const [n, [rows]] of (await Promise.all(answers)).entries())
  assert.equal(Number(rows[0]?.['twice']), n * 2);
for (const connection of connections) connection.release();
console.log(`${connections.length} connections were answered`);

await pool.query('create or replace table store (bytes longblob)');
await pool.execute('insert into store values (?)', [MEGABYTE]);
const [rows] = await pool.query<RowDataPacket[]>('select bytes from store');
assert.deepEqual(rows[0]?.['bytes'], MEGABYTE);
console.log('the megabyte came back');
await pool.end();
