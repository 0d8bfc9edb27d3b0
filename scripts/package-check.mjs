// Packs the package as for publishing, checks it with publint and are-the-types-wrong, installs it into an
// empty project without install scripts, imports it from JavaScript and from TypeScript, and runs it once.
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
import { clientOf } from 'asynctcp/net';
import { listen } from 'asynctcp/streams';
const server = http.createServer((request, response) => {
  response.end(clientOf(request.socket) instanceof AsyncClient ? 'carried' : 'of Node');
  server.close();
});
await once(server.listen(0, '127.0.0.1'), 'listening');
const [response] = await once(http.get({ port: server.address().port, agent: false }), 'response');
console.log(await text(response));
const listening = listen(0, { host: '127.0.0.1' });
await listening.started;
const outgoing = await AsyncClient.open('127.0.0.1', listening.server.port());
for await (const incoming of listening) {
  console.log(incoming instanceof AsyncClient);
  incoming.close();
  break;
}
outgoing.close();
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

try {
  const [{ filename, files }] = JSON.parse(
    run('npm', ['pack', '--json', '--silent', '--pack-destination', folder], root),
  );
  const tarball = join(folder, filename);
  const names = files.map(({ path }) => path);
  const stray = names.filter((name) => /\.test\.|tsbuildinfo|tsconfig|native\/(build|test)\//.test(name));
  expect(stray.join(), '', 'files that do not belong into the package');
  const scripts = names.filter((name) => /^dist\/.*\.js$/.test(name));
  expect(names.includes('dist/asynctcp/async-client.js'), false, 'modules that the release has in few files');
  for (const name of [
    'dist/index.js',
    'dist/index.d.ts',
    'dist/net-register.js',
    'dist/cli/main.js',
    'dist/task/task-thread-node.js',
    'dist/task/watchdog-thread-node.js',
    'src/asynctcp/async-client.ts',
    'LICENSE',
    'README.md',
    'CHANGELOG.md',
    'native/binding.gyp',
    'native/addon.c',
    'native/prebuilt/linux-x64.node',
    'native/prebuilt/linux-arm64.node',
  ]) {
    expect(names.includes(name), true, `${name} in the package`);
  }
  console.log(`${names.length} files, ${scripts.length} of them scripts`);
  run('npx', ['--no-install', 'publint', '--strict', tarball], root);
  console.log(
    run('npx', ['--no-install', 'attw', '--profile', 'esm-only', '--format', 'ascii', tarball], root),
  );

  writeFileSync(join(folder, 'package.json'), '{ "name": "empty", "private": true, "type": "module" }\n');
  run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', tarball], folder);
  const installed = JSON.parse(
    readFileSync(join(folder, 'node_modules', 'asynctcp', 'package.json'), 'utf8'),
  );
  expect(Object.keys(installed.dependencies ?? {}).join(), '', 'runtime dependencies');

  writeFileSync(join(folder, 'program.js'), PROGRAM);
  expect(
    run(process.execPath, ['program.js'], folder).trim(),
    'echo true Established',
    'output from JavaScript',
  );

  writeFileSync(join(folder, 'program.ts'), PROGRAM.replace('(error)', '(error: unknown)'));
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  // The empty project has no types of Node: `console` and `TextDecoder` come from the library `dom`.
  const flags = ['--strict', '--module', 'nodenext', '--target', 'es2022', '--lib', 'es2022,dom'];
  run(process.execPath, [compiler, ...flags, '--outDir', 'out', 'program.ts'], folder);
  expect(
    run(process.execPath, ['out/program.js'], folder).trim(),
    'echo true Established',
    'output from TypeScript',
  );

  writeFileSync(join(folder, 'hooked.js'), HOOKED);
  expect(
    run(process.execPath, ['--import', 'asynctcp/net/register', 'hooked.js'], folder).trim(),
    'carried\ntrue',
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
  console.log('the package is sound');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
