/**
 * Sends to the peer on `port` until the kernel takes nothing more for a while, closes, and has nothing else
 * to do. Prints its end.
 */
import { AsyncClient } from 'asynctcp';
import { makeStack } from '../../support/stacks.js';

/** Looks in a row that found no space. */
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
