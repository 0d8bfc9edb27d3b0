/** axios with an http.Agent: fetches a page 50 times at once on 10 connections, and posts a megabyte. */
import assert from 'node:assert/strict';
import http from 'node:http';
import axios from 'axios';
import { connect, explicitly, MEGABYTE } from './network.js';

const httpAgent = Object.assign(
  new http.Agent({ keepAlive: true, maxSockets: 10 }),
  explicitly({ createConnection: connect }),
);
const client = axios.create({ baseURL: process.argv[2] ?? 'http://127.0.0.1:8080', httpAgent });

const pages = await Promise.all(Array.from({ length: 50 }, () => client.get<string>('/')));
console.log(`${new Set(pages.map(({ data }) => data)).size} kind of page`);

const headers = { 'Content-Type': 'application/octet-stream' };
const answer = await client.post<Buffer>('/echo', MEGABYTE, { headers, responseType: 'arraybuffer' });
assert.deepEqual(answer.data, MEGABYTE);
console.log('the megabyte came back');
httpAgent.destroy();
