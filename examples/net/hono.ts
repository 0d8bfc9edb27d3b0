/** Hono on its server for Node: answers a greeting, and streams a body back. */
import { createAdaptorServer } from '@hono/node-server';
import { Hono } from 'hono';
import { carry, serve } from './network.js';

const app = new Hono();
app.get('/', (context) => context.text('hello from Hono'));
app.post('/echo', ({ req }) => new Response(req.raw.body));

serve(carry(createAdaptorServer(app)));
