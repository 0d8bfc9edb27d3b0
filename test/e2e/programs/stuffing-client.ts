/**
 * Sends to the peer on `port` until no more bytes are taken for a while, and closes; then the program ends by
 * itself. Prints how the connection ended.
 */
import { AsyncClient } from 'asynctcp';
import { makeStack } from '../../support/stacks.js';

/** Polls in a row without space after which the client closes. */
const FULL_LOOKS = 200;

const [name = '', port] = process.argv.slice(2);
const client = await AsyncClient.open('127.0.0.1', Number(port), { stack: makeStack(name) });
client.onError((_, code) => {
  console.log(`error ${code}`);
});
client.onDisconnect((_, reason, code) => {
  console.log(`disconnect ${reason} ${code ?? 'no code'}`);
});
const piece = new Uint8Array(65_536);
let looks = 0;
const refill = setInterval(() => {
  looks += 1;
  while (client.write(piece) > 0) looks = 0;
  if (looks < FULL_LOOKS) return;
  clearInterval(refill);
  client.close();
}, 1);
