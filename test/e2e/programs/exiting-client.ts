/**
 * `exiting-client.js STACK PORT WAY` waits for a byte from the peer, and writes 'bye' while the process
 * exits.
 */
import process from 'node:process';
import { ASYNC_WRITE_FLAG_COPY, ASYNC_WRITE_FLAG_MORE, AsyncClient } from 'asynctcp';
import { makeStack } from '../../support/stacks.js';

const [name = '', port, way] = process.argv.slice(2);
const client = await AsyncClient.open('127.0.0.1', Number(port), { stack: makeStack(name) });
if (way === 'listener') process.on('exit', () => void client.write('bye'));
client.onData(() => {
  if (way === 'callback') client.write('bye');
  if (way === 'more') client.write('bye', ASYNC_WRITE_FLAG_COPY | ASYNC_WRITE_FLAG_MORE);
  process.exit(0);
});
