/**
 * Shared by these programs. PORT is the server's port; 0 is a free one. STACK is its stack: `kernel`, `node`,
 * or `memory`, whose clients are in the same process. Default: port 8080 on the best stack of the system.
 */
import { memoryStack, type StackOption } from 'asynctcp';
import type { AsyncWebServer, AsyncWebServerOptions } from 'asynctcp-web';

const name = process.env['STACK'];

export const port = Number(process.env['PORT'] ?? 8080);

export const stack: StackOption | undefined =
  name === 'memory' ? memoryStack() : name === 'kernel' || name === 'node' ? name : undefined;

export const options: AsyncWebServerOptions = { host: '127.0.0.1', stack };

/** Makes a server listen, and prints its port. Ctrl-C and SIGTERM end the server. */
export async function serve(server: AsyncWebServer): Promise<void> {
  await server.begin();
  console.log(`listening on ${server.port()}`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void server.end());
}
