/** A server that shares its port: `sharing-program.js GREETING PORT`. It greets each client, and closes. */
import { AsyncServer } from 'asynctcp';

const [greeting = '', port = '0'] = process.argv.slice(2);
const server = new AsyncServer('127.0.0.1', Number(port), { stack: 'kernel', reusePort: true });
server.onClient((client) => {
  client.write(greeting);
  client.close();
});
await server.begin();
console.log(`port ${server.port()}`);
