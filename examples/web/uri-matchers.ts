/** Routes by path: prints a table of routes, and answers each path with the name of its route. */
import { AsyncURIMatcher, AsyncWebServer, HTTP_GET } from 'asynctcp-web';
import { options, port, serve } from './serve.js';

const ignoreCase = { ignoreCase: true };

/** In the order in which they are asked: the first one that matches answers. */
const ROUTES: readonly [name: string, uri: string | AsyncURIMatcher][] = [
  ['exact', AsyncURIMatcher.exact('/status')],
  ['exact, any case', AsyncURIMatcher.exact('/Settings', ignoreCase)],
  ['dir', AsyncURIMatcher.dir('/docs')],
  ['ext', AsyncURIMatcher.ext('/images/*.jpg')],
  ['ext, any case', AsyncURIMatcher.ext('/photos/*.PNG', ignoreCase)],
  ['regex', AsyncURIMatcher.regex('^/sensor/([a-z]+)/([0-9]+)$')],
  ['prefix', AsyncURIMatcher.prefix('/dev')],
  ['prefix, any case', AsyncURIMatcher.prefix('/API/v', ignoreCase)],
  ['plain path', '/light'],
  ['plain beginning', '/log-*'],
  ['plain ending', '/*.css'],
  ['plain expression', '^/user/([^/]+)$'],
];

export const server = new AsyncWebServer(port, options);

for (const [name, uri] of ROUTES) {
  console.log(`${name.padEnd(18)}${String(uri)}`);
  server.on(uri, HTTP_GET, (request) => {
    const groups = [request.pathArg(0), request.pathArg(1)].filter((group) => group !== '');
    request.send(200, 'text/plain', [name, ...groups].join(' '));
  });
}
// `all` matches each path that no route before it has answered.
server.on(AsyncURIMatcher.all(), HTTP_GET, (request) => {
  request.send(404, 'text/plain', `no route for ${request.url()}`);
});

await serve(server);
