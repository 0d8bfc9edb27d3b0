/** An MQTT broker with aedes. */
import { Aedes } from 'aedes';
import { createServer, serve } from './network.js';

const broker = await Aedes.createBroker();
const server = createServer((socket) => {
  broker.handle(socket);
});

serve(server, () => {
  server.close();
  broker.close();
});
