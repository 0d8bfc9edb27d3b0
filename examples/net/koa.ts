/** Koa: answers a greeting, and pipes a body back. */
import http from 'node:http';
import Koa from 'koa';
import { carry, serve } from './network.js';

const app = new Koa();
app.use((context) => {
  context.body = context.path === '/echo' ? context.req : 'hello from Koa';
});

const handle = app.callback();
serve(carry(http.createServer((request, response) => void handle(request, response))));
