/**
 * Loads many copies of the library in one thread, as hot reload and test runners do: the arguments are the
 * method, `query` or `context`, and the number. Each copy makes a connection; then the last one blocks in a
 * callback. Prints what the process holds, and the copies whose programs were notified of the watchdog's
 * bite, as JSON.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { createContext, SourceTextModule, SyntheticModule, type Module } from 'node:vm';
import { descriptorLinks } from '../../support/descriptors.js';

type Library = typeof import('asynctcp');

const DOOR = import.meta.resolve('asynctcp');
const [, , way, count = '1'] = process.argv;

/** Long enough for the debugger to stop a thread with many scripts on a machine without a free core. */
const BLOCKED_MS = 4000;

/** More turns of the loop than the end of a connection takes. */
const TURNS = 100;

/** Module hooks that give each copy other URLs, as a development server does. */
const HOOKS = `
  export async function resolve(specifier, context, next) {
    const found = await next(specifier, context);
    const { search } = new URL(context.parentURL ?? 'file:///');
    return found.url.startsWith('file:') && search !== '' ? { ...found, url: found.url + search } : found;
  }`;

async function loadByQuery(copy: number): Promise<Library> {
  return (await import(`${DOOR}?copy=${copy}`)) as Library;
}

/** Loads a copy as Jest does: a context with its own global object, but Node's own modules. */
async function loadInContext(): Promise<Library> {
  const { console, URL, TextEncoder, TextDecoder, AbortSignal, performance, Buffer } = globalThis;
  const { setTimeout, clearTimeout, setImmediate, clearImmediate, queueMicrotask } = globalThis;
  const context = createContext({
    ...{ console, URL, TextEncoder, TextDecoder, AbortSignal, performance, Buffer, process },
    ...{ setTimeout, clearTimeout, setImmediate, clearImmediate, queueMicrotask },
  });
  const modules = new Map<string, Promise<Module>>();
  const load = (url: string): Promise<Module> => {
    const module = modules.get(url) ?? make(url);
    modules.set(url, module);
    return module;
  };
  const make = async (url: string): Promise<Module> => {
    if (!url.startsWith('node:')) {
      return new SourceTextModule(readFileSync(fileURLToPath(url), 'utf8'), {
        context,
        identifier: url,
        initializeImportMeta: (meta) => {
          meta.url = url;
        },
      });
    }
    const exports = (await import(url)) as Record<string, unknown>;
    return new SyntheticModule(
      Object.keys(exports),
      function (this: SyntheticModule) {
        for (const [name, value] of Object.entries(exports)) this.setExport(name, value);
      },
      { context, identifier: url },
    );
  };
  const door = await load(DOOR);
  await door.link((specifier, { identifier }) =>
    load(specifier.startsWith('node:') ? specifier : new URL(specifier, identifier).href),
  );
  await door.evaluate();
  return door.namespace as Library;
}

async function converse({ AsyncClient, AsyncServer }: Library): Promise<void> {
  const server = new AsyncServer('127.0.0.1', 0);
  server.onClient((client) => {
    client.onData(() => {
      client.write('hello');
    });
  });
  await server.begin();
  const client = await AsyncClient.open('127.0.0.1', server.port());
  const echoed = new Promise<void>((resolve) => {
    client.onData(() => resolve());
  });
  client.write('hello');
  await echoed;
  const over = new Promise<void>((resolve) => {
    client.onDisconnect(() => resolve());
  });
  client.close();
  await over;
  await server.end();
}

/** Blocks in a callback of this copy for longer than the watchdog allows. */
async function block({ AsyncServer, AsyncClient }: Library): Promise<void> {
  const server = new AsyncServer('127.0.0.1', 0);
  const blocked = new Promise<void>((resolve) => {
    server.onClient((accepted) => {
      const untilMs = performance.now() + BLOCKED_MS;
      while (performance.now() < untilMs);
      accepted.abort();
      resolve();
    });
  });
  await server.begin();
  const client = new AsyncClient();
  client.connect('127.0.0.1', server.port());
  await blocked;
  client.abort();
  await server.end();
}

/**
 * Returns the number of descriptors that stay: those of a socket, and of the loop behind the last socket, are
 * closed some turns after the end of the connection is reported.
 */
async function heldDescriptors(): Promise<number> {
  let least = descriptorLinks().length;
  for (let turn = 0; turn < TURNS; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    least = Math.min(least, descriptorLinks().length);
  }
  return least;
}

// Keeps the process alive until the bite is reported; closed sockets and the watchdog do not.
setTimeout(() => process.exit(3), 100_000);
if (way === 'query') register(`data:text/javascript,${encodeURIComponent(HOOKS)}`);
const copies: Library[] = [];
const bitten: number[] = [];
let wake: () => void = () => undefined;
const told = new Promise<void>((resolve) => {
  wake = resolve;
});
for (let copy = 0; copy < Number(count); copy += 1) {
  const library = way === 'query' ? await loadByQuery(copy) : await loadInContext();
  copies.push(library);
  library.configure({ wdtTimeoutS: 1 });
  library.onWatchdog(({ handler }) => {
    if (handler === 'onClient') bitten.push(copy);
    if (bitten.length === copies.length) wake();
  });
  await converse(library);
}
const threads = readdirSync('/proc/self/task').length;
const descriptors = await heldDescriptors();
const last = copies.at(-1);
if (last !== undefined) await block(last);
await told;
console.log(JSON.stringify({ threads, descriptors, bitten }));
process.exit();
