/** One connection with both ends in this program, on the default stack. */
import { AsyncClient, AsyncServer } from 'asynctcp';

const server = new AsyncServer('127.0.0.1', 0);
server.onClient((client) => {
  client.onData((_, data) => {
    client.write(data);
  });
});
await server.begin();
const client = await AsyncClient.open('localhost', server.port(), { timeoutMs: 10_000 });
let echoed = '';
let acknowledged = 0;
client.onData((_, data) => {
  echoed += new TextDecoder().decode(data);
  if (echoed === 'over and out') client.close();
});
client.onAck((_, bytes) => {
  acknowledged += bytes;
});
client.onError((_, code, cause) => {
  console.log(AsyncClient.errorToString(code), cause);
});
client.onDisconnect(() => {
  console.log(`${echoed}, ${acknowledged} bytes acknowledged`);
  void server.end();
});
client.write('over and out');
