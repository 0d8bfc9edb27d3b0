/** undici, and the global fetch on undici's dispatcher: fetch 50 pages at once, and post a megabyte. */
import assert from 'node:assert/strict';
import { Agent, type buildConnector, request, setGlobalDispatcher } from 'undici';
import { connect, explicitly, MEGABYTE } from './network.js';

const url = process.argv[2] ?? 'http://127.0.0.1:8080';
const connector: buildConnector.connector = ({ hostname, port }, done) => {
  const socket = connect({ host: hostname, port: Number(port) }, () => done(null, socket));
  socket.once('error', (error) => done(error, null));
};

const agent = new Agent(explicitly({ connect: connector }));
setGlobalDispatcher(agent);

const pages = Array.from({ length: 50 }, async () => {
  const { statusCode, body } = await request(url);
  assert.equal(statusCode, 200);
  return body.text();
});
console.log(`request: ${new Set(await Promise.all(pages)).size} kind of page`);

const posted = await request(`${url}/echo`, { method: 'POST', body: MEGABYTE });
assert.deepEqual(Buffer.from(await posted.body.arrayBuffer()), MEGABYTE);
console.log('request: the megabyte came back');

const fetched = Array.from({ length: 50 }, async () => {
  const response = await fetch(url);
  assert.equal(response.status, 200);
  return response.text();
});
console.log(`fetch: ${new Set(await Promise.all(fetched)).size} kind of page`);

const answer = await fetch(`${url}/echo`, { method: 'POST', body: MEGABYTE });
assert.deepEqual(Buffer.from(await answer.arrayBuffer()), MEGABYTE);
console.log('fetch: the megabyte came back');
await agent.close();
