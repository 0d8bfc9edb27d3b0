/**
 * Runs programs for a test: ours, and foreign peers. A test waits for the lines that a program prints and for
 * its end, never for a time. The program is killed at the end of its test.
 */
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Readable } from 'node:stream';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

export interface Ending {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** The output of a program, line by line. */
export class Output {
  text = '';
  /** The part of `text` that `line` has searched. */
  #seen = 0;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(stream: Readable) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      this.text += text;
      this.#wake?.();
    });
    stream.on('close', () => {
      this.#ended = true;
      this.#wake?.();
    });
  }

  /** Resolves to the first line that matches, after those of earlier calls. One caller at a time. */
  async line(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const end = this.text.indexOf('\n', this.#seen);
      if (end >= 0) {
        const match = pattern.exec(this.text.slice(this.#seen, end));
        this.#seen = end + 1;
        if (match !== null) return match;
      } else if (this.#ended) {
        throw new Error(`no line matched ${String(pattern)} in the output:\n${this.text}`);
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }

  /** Resolves to the first group of `line`, as a number. */
  async number(pattern: RegExp): Promise<number> {
    const [, digits] = await this.line(pattern);
    return Number(digits);
  }
}

export class Program {
  readonly stdout: Output;
  readonly stderr: Output;
  /** Resolves when the program has ended and all its output was read. */
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcessWithoutNullStreams;

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    this.stdout = new Output(child.stdout);
    this.stderr = new Output(child.stderr);
    // A program may end without reading its input.
    child.stdin.on('error', () => undefined);
    child.on('error', (error) => {
      this.stderr.text += `${error.message}\n`;
    });
    this.ended = new Promise((resolve) => {
      child.on('close', (status, signal) => {
        resolve({ status, signal });
      });
    });
  }

  /** The process's id; 0 if it could not be started. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves to everything that the program printed, when it has ended. Rejects unless its status is 0. */
  async output(): Promise<string> {
    const { status } = await this.ended;
    if (status !== 0) throw new Error(`status ${status ?? 'none'}: ${this.stderr.text}`);
    return this.stdout.text;
  }

  type(text: string): void {
    this.#child.stdin.write(text);
  }

  endInput(text = ''): void {
    this.#child.stdin.end(text);
  }

  /** Sends SIGINT, as Ctrl-C does. */
  async interrupt(): Promise<Ending> {
    this.#child.kill('SIGINT');
    return this.ended;
  }

  async terminate(): Promise<Ending> {
    this.#child.kill('SIGTERM');
    return this.ended;
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }
}

/** Starts a program, which is killed at the end of the test. `env` is added to the test's environment. */
export function start(
  test: TestContext,
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Program {
  const program = new Program(spawn(command, args, { stdio: 'pipe', env: { ...process.env, ...env } }));
  test.after(() => program.kill());
  return program;
}

/** Starts a compiled program of ours. */
export function startNode(
  test: TestContext,
  file: URL,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Program {
  return start(test, process.execPath, [fileURLToPath(file), ...args], env);
}

// ---- foreign peers

/** Debian packages of the foreign programs. */
const PACKAGES = {
  python3: 'python3',
  nc: 'netcat-openbsd',
  curl: 'curl',
  wrk: 'wrk',
  chromium: 'chromium',
  prlimit: 'util-linux',
  unshare: 'util-linux',
  ip: 'iproute2',
  ss: 'iproute2',
  nft: 'nftables',
  ping: 'iputils-ping',
  nmap: 'nmap',
  slowhttptest: 'slowhttptest',
  openssl: 'openssl',
  haproxy: 'haproxy',
  'redis-server': 'redis-server',
  mosquitto: 'mosquitto',
  initdb: 'postgresql',
  postgres: 'postgresql',
  tshark: 'tshark',
  'mariadb-install-db': 'mariadb-server',
  mariadbd: 'mariadb-server',
} as const;

export type Peer = keyof typeof PACKAGES;

export const isRequired = process.env['ASYNCTCP_REQUIRE_PEERS'] === '1';

function isInstalled(peer: Peer): boolean {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const exists = folders.some((folder) => {
    try {
      accessSync(join(folder, peer), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  // There are several programs named nc. Only OpenBSD's has -N.
  return (
    exists && (peer !== 'nc' || spawnSync('nc', ['-h'], { encoding: 'utf8' }).stderr.includes('OpenBSD'))
  );
}

export function whatIsMissing(peers: readonly Peer[]): string | undefined {
  const missing = peers.filter((peer) => !isInstalled(peer));
  if (missing.length === 0) return undefined;
  const names = missing.map((peer) => `${peer} (Debian package ${PACKAGES[peer]})`);
  return `not installed: ${names.join(', ')}`;
}

/**
 * Returns the reason to skip a test if a peer is not installed. With ASYNCTCP_REQUIRE_PEERS=1 nothing is
 * skipped, and `startPeer` fails.
 */
export function unlessInstalled(...peers: Peer[]): string | false {
  return isRequired ? false : (whatIsMissing(peers) ?? false);
}

export function startPeer(test: TestContext, peer: Peer, ...args: string[]): Program {
  const missing = whatIsMissing([peer]);
  if (missing !== undefined) throw new Error(missing);
  return start(test, peer, args);
}

/** Starts a Python script of one test, with unbuffered output. */
export function startPython(test: TestContext, script: string, ...args: string[]): Program {
  return startPeer(test, 'python3', '-u', '-c', script, ...args);
}
