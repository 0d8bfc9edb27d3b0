/**
 * Serves the page, and the modules of `dist/` that it imports:
 *
 *     npm run build && node examples/sim-page/serve.mjs [PORT]
 */
import { AsyncWebServer } from 'asynctcp-web';

const folder = new URL('../../', import.meta.url);
const server = new AsyncWebServer(Number(process.argv[2] ?? 8080), { address: '127.0.0.1' });
for (const part of ['dist', 'examples/sim-page']) {
  server.serveStatic(`/${part}/`, new URL(`${part}/`, folder).pathname).setDefaultFile('index.html');
}
await server.begin();
console.log(`http://127.0.0.1:${server.port()}/examples/sim-page/`);
