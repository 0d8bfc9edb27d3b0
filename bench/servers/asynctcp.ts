// The same echo server on this library. The argument names the stack.

import { AsyncClient, AsyncServer, configure } from 'asynctcp';

import { STACKS, UNWATCHED } from '../contestants.js';
import { fault, serve } from './child.js';

const stack = STACKS.find((name) => name === process.argv[2]);
if (stack === undefined) fault(`not a stack of the benchmark: ${String(process.argv[2])}`);
configure({ useWdt: process.argv[3] === UNWATCHED ? 0 : 1 });

const server = new AsyncServer(0, { address: '127.0.0.1', stack });
server.setNoDelay(true);
server.onClient((client) => {
  // One message of a connection is on its way at a time, so there is always room for all of it.
  client.onData((sender, data) => {
    const taken = sender.write(data);
    if (taken !== data.length) fault(`write took ${taken} of ${data.length} bytes`);
  });
  client.onError((_, error) => fault(`a connection failed: ${AsyncClient.errorToString(error)}`));
});

await serve(async () => {
  await server.begin();
  return server.port();
});
