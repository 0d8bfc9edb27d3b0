/** A TLS server for clients with a certificate: greets each by its name, and sends everything back. */
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import { carry, serve } from './network.js';

const [, , , folder = '.'] = process.argv;
const read = (name: string) => readFileSync(`${folder}/${name}.pem`);

const server = tls.createServer({
  key: read('server-key'),
  cert: read('server'),
  ca: read('ca'),
  requestCert: true,
  rejectUnauthorized: true,
});
server.on('secureConnection', (socket) => {
  const name = socket.getPeerCertificate().subject.CN;
  socket.write(`hello ${String(name)}\n`);
  socket.pipe(socket);
});
server.on('tlsClientError', (error, { authorizationError }) => {
  console.error(`turned away: ${error.message} (${String(authorizationError)})`);
});

serve(carry(server));
