/** Fastify: answers a greeting in JSON, and sends a body back. */
import Fastify from 'fastify';
import { carry, serve } from './network.js';

const app = Fastify({ bodyLimit: 2_097_152 });
app.addContentTypeParser('*', { parseAs: 'buffer' }, (_, body, done) => done(null, body));
app.get('/', () => ({ hello: 'from Fastify' }));
app.post('/echo', (request) => request.body);

await app.ready();
serve(carry(app.server), () => app.close());
