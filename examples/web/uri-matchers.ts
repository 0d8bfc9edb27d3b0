/** Routes by path: prints a table of routes, and answers each path with the name of its route. */
import { AsyncURIMatcher, AsyncWebServer, HTTP_GET } from 'asynctcp-web';
import { options, port, serve } from './serve.js';

const ignoreCase = { ignoreCase: true };

interface Route {
  readonly name: string;
  readonly uri: string | AsyncURIMatcher;
  /** Paths that the route answers. */
  readonly answers: readonly string[];
}

/** The server asks the routes in this order: the first one that matches answers. */
const ROUTES: readonly Route[] = [
  { name: 'exact', uri: AsyncURIMatcher.exact('/status'), answers: ['/status'] },
  {
    name: 'exact, any case',
    uri: AsyncURIMatcher.exact('/Settings', ignoreCase),
    answers: ['/Settings', '/settings'],
  },
  { name: 'dir', uri: AsyncURIMatcher.dir('/docs'), answers: ['/docs/', '/docs/api/v1'] },
  { name: 'ext', uri: AsyncURIMatcher.ext('/images/*.jpg'), answers: ['/images/a.jpg', '/images/b/c.jpg'] },
  {
    name: 'ext, any case',
    uri: AsyncURIMatcher.ext('/photos/*.PNG', ignoreCase),
    answers: ['/photos/a.png'],
  },
  { name: 'regex', uri: AsyncURIMatcher.regex('^/sensor/([a-z]+)/([0-9]+)$'), answers: ['/sensor/rpm/7'] },
  {
    name: 'regex, any case',
    uri: AsyncURIMatcher.regex('^/relay/(on|off)$', ignoreCase),
    answers: ['/relay/on', '/Relay/OFF'],
  },
  { name: 'prefix', uri: AsyncURIMatcher.prefix('/dev'), answers: ['/dev', '/device', '/dev/1'] },
  { name: 'prefix, any case', uri: AsyncURIMatcher.prefix('/API/v', ignoreCase), answers: ['/api/v2/x'] },
  // Plain strings, whose kind is known by how they are written.
  { name: 'plain path', uri: '/light', answers: ['/light', '/light/1'] },
  { name: 'plain beginning', uri: '/log-*', answers: ['/log-', '/log-2/today'] },
  { name: 'plain ending', uri: '/*.css', answers: ['/a.css', '/a/b.css'] },
  { name: 'plain expression', uri: '^/user/([^/]+)$', answers: ['/user/ada'] },
  { name: 'all', uri: AsyncURIMatcher.all(), answers: ['/', '/other'] },
];

export const server = new AsyncWebServer(port, options);

for (const { name, uri, answers } of ROUTES) {
  console.log(`${name.padEnd(18)}${String(uri).padEnd(30)}${answers.join(' ')}`);
  server.on(uri, HTTP_GET, (request) => {
    const groups = [request.pathArg(0), request.pathArg(1)].filter((group) => group !== '');
    request.send(200, 'text/plain', [name, ...groups].join(': '));
  });
}

await serve(server);
