/** An HTTP proxy that makes tunnels by the method CONNECT. */
import http from 'node:http';
import { carry, connect, serve } from './network.js';

const server = http.createServer((_, response) => {
  response.writeHead(405).end('this proxy knows CONNECT alone\n');
});

server.on('connect', ({ url = '' }, socket, head) => {
  const { hostname, port } = new URL(`http://${url}`);
  const target = connect({ host: hostname, port: Number(port === '' ? 80 : port) });
  target.on('connect', () => {
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
    target.write(head);
    socket.pipe(target).pipe(socket);
  });
  target.on('error', () => socket.end('HTTP/1.1 502 Bad gateway\r\n\r\n'));
  socket.on('error', () => target.destroy());
  socket.on('close', () => target.destroy());
});

serve(carry(server));
