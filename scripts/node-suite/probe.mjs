// Checks that a hook carries servers and connections: every test would pass under one that does nothing.
import { spawnSync } from 'node:child_process';

const TIMEOUT_MS = 60_000;

/** A server and a connection to it. */
const PROGRAM = `
  const net = require('node:net');
  const server = net.createServer((socket) => socket.end());
  server.listen(0, '127.0.0.1', () => {
    net.connect(server.address().port, '127.0.0.1', function () {
      this.resume().on('close', () => server.close());
    });
  });`;

/** Lines that the hook prints when NODE_DEBUG names it. */
const CARRIED = { 'a server': /\blisten on .*: carried$/m, 'a connection': /\bconnect to .*: carried$/m };

/**
 * Runs a program of net under a hook.
 * @param {{ node: string, flags: string[] }} settings the binary, and the flags with the hook
 * @returns {string | undefined} what is wrong; undefined if the hook carries
 */
export function faultOfHook({ node, flags }) {
  const { status, signal, error, stderr } = spawnSync(node, [...flags, '-e', PROGRAM], {
    encoding: 'utf8',
    env: { ...process.env, NODE_DEBUG: 'asynctcp' },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: TIMEOUT_MS,
  });
  const output = (stderr ?? '').trim();
  if (error !== undefined) return `a program under the hook does not run: ${error.message}`;
  if (status !== 0) return `a program under the hook ends with ${signal ?? status}: ${output}`;
  const missing = Object.keys(CARRIED).filter((name) => !CARRIED[name].test(output));
  if (missing.length === 0) return undefined;
  return `the hook does not say that it carries ${missing.join(' and ')}: ${output || 'it says nothing'}`;
}
