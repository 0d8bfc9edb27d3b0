/**
 * Sends `bytes` to the peer on `port`, refilling by a timer, and closes; then the program ends by itself.
 * With `flushed` it closes when everything is acknowledged. Prints errors.
 */
import { AsyncClient } from 'asynctcp';
import { pattern } from '../../contract/pattern.js';
import { makeStack } from '../../support/stacks.js';

const [name = '', port, bytes, when] = process.argv.slice(2);
const total = Number(bytes);
const client = await AsyncClient.open('127.0.0.1', Number(port), { stack: makeStack(name) });
client.onError((_, code) => {
  console.log(`error ${code}`);
});
let taken = 0;
const refill = setInterval(() => {
  for (let last = 1; last > 0 && taken < total; taken += last) {
    last = client.write(pattern(1, taken, Math.min(65_536, total - taken)));
  }
  if (taken < total) return;
  clearInterval(refill);
  if (when === 'flushed') void client.flushed().then(() => client.close());
  else client.close();
}, 1);
