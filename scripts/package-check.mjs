// Packs both packages as for publishing, checks them with publint and are-the-types-wrong, installs one after the
// other into an empty project without install scripts, imports them from JavaScript and from TypeScript, and runs
// each once.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'asynctcp-package-'));

function run(command, words, cwd) {
  console.log(`> ${command} ${words.join(' ')}`);
  return execFileSync(command, words, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

function expect(actual, wanted, what) {
  if (actual !== wanted)
    throw new Error(`${what}: expected ${JSON.stringify(wanted)}, saw ${JSON.stringify(actual)}`);
}

/** Files that asynctcp has beside its types. */
const NEEDED = [
  'dist/index.js',
  'dist/index.d.ts',
  'dist/net-register.js',
  'dist/cli/main.js',
  'dist/task/task-thread-node.js',
  'dist/task/watchdog-thread-node.js',
  'dist/cli/stuck-watch-thread.js',
  'src/asynctcp/async-client.ts',
  'LICENSE',
  'README.md',
  'CHANGELOG.md',
  'native/binding.gyp',
  'native/addon.c',
  'native/prebuilt/linux-x64.node',
  'native/prebuilt/linux-arm64.node',
];

/** Those that asynctcp-web has. */
const NEEDED_BY_WEB = [
  'dist/index.js',
  'dist/index.d.ts',
  'dist/dashboard.js',
  'dist/dashboard.d.ts',
  'page/index.html',
  'page/main.js',
  'src/server.ts',
  'LICENSE',
  'README.md',
];

/** A program for both languages: an echo through a server and a client of the installed package. */
const PROGRAM = `
import { AsyncClient, AsyncServer, ErrorCode, TcpError, TcpState, configure, nodeStack } from 'asynctcp';
configure({ maxActiveTcp: 100 });
const server = new AsyncServer('127.0.0.1', 0, { stack: nodeStack() });
server.onClient((client) => {
  client.onData((_, data) => client.write(data));
});
await server.begin();
const client = await AsyncClient.open('127.0.0.1', server.port());
client.onData((_, data) => {
  console.log(new TextDecoder().decode(data), TcpState.ESTABLISHED === client.state(), client.stateToString());
  client.close();
});
client.onDisconnect(() => void server.end());
client.write('echo');
const refused = await AsyncClient.open('127.0.0.1', 1).catch((error) => error);
if (!(refused instanceof TcpError) || refused.code !== ErrorCode.ERR_RST) throw new Error('no TcpError');
`;

/** A program on node:http. Under the hook it shows that all entries of the package have one AsyncClient. */
const HOOKED = `
import { once } from 'node:events';
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { AsyncClient } from 'asynctcp';
import { startMonitor } from 'asynctcp/monitor';
import { clientOf } from 'asynctcp/net';
import { linkReports } from 'asynctcp/gateway';
import { listen } from 'asynctcp/streams';
if (linkReports().length > 0) throw new Error('there is no link');
const server = http.createServer((request, response) => {
  response.end(clientOf(request.socket) instanceof AsyncClient ? 'carried' : 'of Node');
  server.close();
});
await once(server.listen(0, '127.0.0.1'), 'listening');
const [response] = await once(http.get({ port: server.address().port, agent: false }), 'response');
console.log(await text(response));
const listening = listen(0, { host: '127.0.0.1' });
await listening.started;
const monitor = startMonitor();
const outgoing = await AsyncClient.open('127.0.0.1', listening.server.port());
for await (const incoming of listening) {
  console.log(incoming instanceof AsyncClient);
  console.log(monitor.snapshot().connections.some(({ direction }) => direction === 'in'));
  incoming.close();
  break;
}
outgoing.close();
`;

/** A program for both languages: a request and a message of a WebSocket. Both packages have one AsyncClient. */
const WEB_PROGRAM = `
import { once } from 'node:events';
import { AsyncClient } from 'asynctcp';
import { AsyncWebServer, AsyncWebSocket, HTTP_GET, WS_EVT_DATA } from 'asynctcp-web';
import { dashboard } from 'asynctcp-web/dashboard';
import { WebSocket } from 'ws';
const server = new AsyncWebServer(0, { host: '127.0.0.1' });
server.on('/hello', HTTP_GET, (request) => {
  request.send(200, 'text/plain', request.client() instanceof AsyncClient ? 'hello' : 'another AsyncClient');
});
const echo = new AsyncWebSocket('/ws', (_server, client, type, _arg, data, _len) => {
  if (type === WS_EVT_DATA) client.text(data);
});
server.addHandler(echo);
await server.begin();
const response = await fetch(\`http://127.0.0.1:\${server.port()}/hello\`);
const board = dashboard(server, { path: '/dashboard' });
for (const file of ['', 'main.js', 'uplot.js', 'metrics']) {
  const { status } = await fetch(board.url() + file);
  if (status !== 200) throw new Error(\`\${file}: \${status}\`);
}
const snapshot = await (await fetch(\`\${board.url()}snapshot.json\`)).text();
if (!snapshot.includes(\`"localPort":\${server.port()}\`)) throw new Error('the dashboard shows another asynctcp');
const socket = new WebSocket(\`ws://127.0.0.1:\${server.port()}/ws\`);
socket.on('open', () => socket.send('echo'));
const [message] = await once(socket, 'message');
console.log(response.status, await response.text(), String(message));
await server.end();
`;

/** Prints the place in the package's sources that an error comes from. */
const FAILING = `
import { configure } from 'asynctcp';
try {
  configure({ maxActiveTcp: -1 });
} catch ({ stack }) {
  console.log(/asynctcp\\/(src\\/.*\\.ts):\\d+:\\d+/.exec(stack)?.[1]);
}
`;

/** Packs the package in a folder, and checks its files and its types. Returns the path of the archive. */
function pack(name, needed) {
  const words = ['--json', '--silent', '--pack-destination', folder];
  const [{ filename, files }] = JSON.parse(run('npm', ['pack', ...words], join(root, name)));
  const tarball = join(folder, filename);
  const names = files.map(({ path }) => path);
  const stray = names.filter((path) => /\.test\.|tsbuildinfo|tsconfig|native\/(build|test)\//.test(path));
  expect(stray.join(), '', 'files that do not belong into the package');
  for (const path of needed) expect(names.includes(path), true, `${path} in the package`);
  const modules = names.filter((path) => path.startsWith('dist/asynctcp/async-client.js'));
  expect(modules.join(), '', 'modules that the release has in few files');
  const scripts = names.filter((path) => /^dist\/.*\.js$/.test(path));
  console.log(`${names.length} files, ${scripts.length} of them scripts`);
  run('npx', ['--no-install', 'publint', '--strict', tarball], root);
  console.log(
    run('npx', ['--no-install', 'attw', '--profile', 'esm-only', '--format', 'ascii', tarball], root),
  );
  return tarball;
}

/** Installs a package into the empty project. Returns its `package.json`. */
function install(name, tarball) {
  run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', tarball], folder);
  return JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8'));
}

/** Runs a program as JavaScript, and compiled from TypeScript. */
function runBoth(name, program, typed, flags, output) {
  writeFileSync(join(folder, `${name}.js`), program);
  expect(run(process.execPath, [`${name}.js`], folder).trim(), output, 'output from JavaScript');
  writeFileSync(join(folder, `${name}.ts`), typed);
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const all = ['--strict', '--module', 'nodenext', '--target', 'es2022', ...flags, '--outDir', 'out'];
  run(process.execPath, [compiler, ...all, `${name}.ts`], folder);
  expect(run(process.execPath, [`out/${name}.js`], folder).trim(), output, 'output from TypeScript');
}

function checkLibrary(tarball) {
  const { dependencies = {} } = install('asynctcp', tarball);
  expect(Object.keys(dependencies).join(), '', 'runtime dependencies');
  // The empty project has no types of Node: `console` and `TextDecoder` come from the library `dom`.
  const typed = PROGRAM.replace('(error)', '(error: unknown)');
  runBoth('program', PROGRAM, typed, ['--lib', 'es2022,dom'], 'echo true Established');

  writeFileSync(join(folder, 'hooked.js'), HOOKED);
  expect(
    run(process.execPath, ['--import', 'asynctcp/net/register', 'hooked.js'], folder).trim(),
    'carried\ntrue\ntrue',
    'output under the hook, which needs the addon of the installed package',
  );
  writeFileSync(join(folder, 'failing.js'), FAILING);
  expect(
    run(process.execPath, ['--enable-source-maps', 'failing.js'], folder).trim(),
    'src/asynctcp/configuration-symbols.ts',
    'the source of an error',
  );

  const help = run(join(folder, 'node_modules', '.bin', 'asynctcp'), ['--help'], folder);
  expect(help.includes('serve'), true, 'serve in the help of the installed command');
}

/** asynctcp is installed already, of the version that its peer wants. */
function checkWeb(tarball) {
  install('asynctcp-web', tarball);
  const tree = JSON.parse(run('npm', ['ls', 'asynctcp', '--json'], folder));
  expect(tree.problems?.join() ?? '', '', 'problems between the packages');
  runBoth('web', WEB_PROGRAM, WEB_PROGRAM, ['--types', 'node'], '200 hello echo');
}

try {
  const license = (name) => readFileSync(join(root, name, 'LICENSE'), 'utf8');
  expect(license('web'), license(''), 'the licence of asynctcp-web');
  // Packing asynctcp cleans and builds both.
  const web = pack('web', NEEDED_BY_WEB);
  const library = pack('', NEEDED);
  writeFileSync(join(folder, 'package.json'), '{ "name": "empty", "private": true, "type": "module" }\n');
  checkLibrary(library);
  checkWeb(web);
  console.log('the packages are sound');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
