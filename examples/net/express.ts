/** Express: answers a greeting, and sends a body back. */
import http from 'node:http';
import express from 'express';
import { carry, serve } from './network.js';

const app = express();
app.get('/', (_, response) => {
  response.send('hello from Express');
});
app.post('/echo', express.raw({ type: '*/*', limit: '2mb' }), (request, response) => {
  response.type('bin').send(request.body);
});

serve(carry(http.createServer(app)));
