/** The programs of the two computers. A stack is what carries the bytes: here that of a simulated host. */
import { AsyncClient, AsyncServer } from './library.js';

/** Counts what each client sends, and answers with the count when the client has sent all. */
export function serve(stack) {
  const server = new AsyncServer(80, { stack });
  server.onClient((client) => {
    let bytes = 0;
    client.setAllowHalfOpen(true);
    client.onData((_, data) => (bytes += data.length));
    client.onEnd(() => {
      client.write(`${bytes} bytes`);
      client.close();
    });
  });
  server.begin();
}

/** Sends a file, and calls `whenDone` with the answer, or with `undefined` if the connection failed. */
export function send(stack, address, file, whenDone) {
  const client = new AsyncClient({ stack });
  let sent = 0;
  let answer;
  const fill = () => {
    while (sent < file.length && client.canSend()) sent += client.write(file.subarray(sent, sent + 8192));
    if (sent === file.length) client.shutdown();
  };
  client.onConnect(fill);
  client.onAck(fill);
  client.onData((_, data) => (answer = new TextDecoder().decode(data)));
  client.onDisconnect(() => whenDone(answer));
  client.connect(address, 80);
}
