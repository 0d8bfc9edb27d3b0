/**
 * Targets whose stacks use the operating system's TCP: real sockets on the loopback interface, Python as
 * the foreign peer, a clock that only the case moves.
 */
import { execFile } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  AsyncClient,
  AsyncServer,
  SteppedClock,
  type ClientHandler,
  type Lookup,
  type ConfigureOptions,
  type ServerOptions,
  type StackName,
  type SystemStackOptions,
  type TcpStack,
} from 'asynctcp';
import type {
  CaseLimits,
  Env,
  HostedGroup,
  HostedTask,
  NameAnswer,
  SystemThread,
  Target,
} from '../contract/case.js';
import { kernelEnd } from '../peers/kernel-sockets.js';
import { PythonPeer } from '../peers/python-peer.js';
import { heldBy } from '../support/stacks.js';
import { PATIENCE_MS, withPatience } from './patience.js';
import { readSystemThread, TaskHost } from './task-host.js';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const run = promisify(execFile);
const IPV4_LOOPBACK = '127.0.0.1';
/** Round trips through the kernel after which everything that was sent before has arrived. */
const SETTLING_ROUND_TRIPS = 3;
/** Descriptors that a starving process is limited to, so that few have to be opened. */
const STARVING_LIMIT = 512;

export type MakeStack = (options: SystemStackOptions) => TcpStack;

export interface TargetOptions {
  readonly unmet?: Readonly<Record<string, string>>;
  readonly apart?: Readonly<Record<string, string>>;
  /** A loopback address. */
  readonly address?: string;
}

export function systemTarget(
  name: string,
  makeClientStack: MakeStack,
  makeServerStack: MakeStack,
  { unmet = {}, apart = {}, address = IPV4_LOOPBACK }: TargetOptions = {},
): Target {
  return {
    name,
    unmet,
    apart,
    run: async (contractCase) => {
      const limits = contractCase.limits ?? {};
      const env = new SystemEnvironment(address, limits, makeClientStack, makeServerStack);
      try {
        await env.begin();
        await withPatience(contractCase.run(env));
      } finally {
        await env.end();
      }
    },
  };
}

class SystemEnvironment implements Env {
  readonly clock = new SteppedClock();
  readonly address: string;
  readonly clientAddress: string;
  readonly otherClientAddress: string;
  readonly peerAddresses: Env['peerAddresses'];
  readonly warnings: string[] = [];
  readonly clientStack: TcpStack;
  readonly serverStack: TcpStack;

  #peer: PythonPeer | undefined;
  #uncaught: unknown[] = [];
  readonly #clients: AsyncClient[] = [];
  readonly #servers: AsyncServer[] = [];
  readonly #names = new Map<string, NameAnswer>();
  #held: (() => void)[] = [];
  readonly #echo: Server = createServer((socket) => socket.pipe(socket));
  readonly #warn = console.warn;
  readonly #hosts: TaskHost[] = [];

  constructor(address: string, limits: CaseLimits, makeClientStack: MakeStack, makeServerStack: MakeStack) {
    this.address = this.clientAddress = address;
    this.otherClientAddress = '127.0.0.9';
    this.peerAddresses = [address, '127.0.0.2', '127.0.0.3'];
    const lookup: Lookup = (host, answer) => {
      this.#lookup(host, answer);
    };
    const options = { ...limits, clock: this.clock, lookup };
    this.clientStack = makeClientStack(options);
    this.serverStack = makeServerStack(options);
  }

  async begin(): Promise<void> {
    console.warn = (line: string) => {
      this.warnings.push(line);
    };
    process.setUncaughtExceptionCaptureCallback((error) => {
      this.#uncaught.push(error);
    });
    this.#echo.unref();
    this.#echo.listen(0, this.address);
    await once(this.#echo, 'listening');
  }

  async end(): Promise<void> {
    for (const client of this.#clients) client.abort();
    for (const server of this.#servers) await server.end();
    await this.settle();
    this.#echo.close();
    await this.#peer?.end();
    for (const host of this.#hosts) await host.end();
    process.setUncaughtExceptionCaptureCallback(null);
    console.warn = this.#warn;
    for (const error of this.takeUncaught()) throw error;
  }

  get peer(): PythonPeer {
    return (this.#peer ??= new PythonPeer(this.address));
  }

  takeUncaught(): unknown[] {
    const taken = this.#uncaught;
    this.#uncaught = [];
    return taken;
  }

  client(): AsyncClient {
    const client = new AsyncClient({ stack: this.clientStack });
    this.#clients.push(client);
    return client;
  }

  async serve(onClient: ClientHandler, options: Omit<ServerOptions, 'stack'> = {}): Promise<AsyncServer> {
    const server = new AsyncServer(0, { address: this.address, ...options, stack: this.serverStack });
    this.#servers.push(server);
    server.onClient((client) => {
      this.#clients.push(client);
      return onClient(client);
    });
    await server.begin();
    return server;
  }

  name(host: string, answer: NameAnswer): void {
    this.#names.set(host, answer);
  }

  releaseNames(): void {
    const held = this.#held;
    this.#held = [];
    for (const release of held) release();
  }

  #lookup(host: string, answer: Parameters<Lookup>[1]): void {
    const known = this.#names.get(host);
    if (known === undefined || known.kind === 'unknown') {
      setImmediate(answer, new Error(`getaddrinfo ENOTFOUND ${host}`), []);
    } else if (known.kind === 'held') {
      this.#held.push(() => answer(null, known.addresses));
    } else {
      setImmediate(answer, null, known.addresses);
    }
  }

  async until(what: string, condition: () => boolean): Promise<void> {
    const deadlineMs = performance.now() + PATIENCE_MS;
    while (!condition()) {
      if (performance.now() > deadlineMs) throw new Error(`waited in vain until ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  async settle(): Promise<void> {
    const { port } = this.#echo.address() as AddressInfo;
    for (let trip = 0; trip < SETTLING_ROUND_TRIPS; trip += 1) {
      const socket = connect(port, this.address).end('.').resume();
      await once(socket, 'close');
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  holdings(): number {
    const { clientStack, serverStack } = this;
    const ours = (kind: string): boolean => kind.startsWith('TCP') || kind.startsWith('GetAddrInfo');
    const resources = process.getActiveResourcesInfo().filter(ours).length;
    return resources + unknownToRuntime(clientStack) + unknownToRuntime(serverStack);
  }

  arrivedAtPeer(client: AsyncClient): number {
    return kernelEnd(client.remotePort(), client.localPort()).unread;
  }

  inFlight(client: AsyncClient): number {
    return kernelEnd(client.localPort(), client.remotePort()).unacknowledged;
  }

  async starve(): Promise<() => Promise<void>> {
    const self = String(process.pid);
    const read = ['--pid', self, '--nofile', '--output=SOFT', '--noheadings'];
    const before = (await run('prlimit', read)).stdout.trim();
    await run('prlimit', ['--pid', self, `--nofile=${STARVING_LIMIT}:`]);
    const taken: number[] = [];
    try {
      for (;;) taken.push(openSync('/dev/null', 'r'));
    } catch {
      // EMFILE: that was the last one.
    }
    return async () => {
      for (const descriptor of taken) closeSync(descriptor);
      await run('prlimit', ['--pid', self, `--nofile=${before}:`]);
    };
  }

  async startTasks(configs: readonly ConfigureOptions[]): Promise<HostedTask[]> {
    const host = new TaskHost(configs.map((config) => ({ stack: this.#stackName(), ...config })));
    this.#hosts.push(host);
    await this.until('the tasks serve', () => host.tasks.every(({ port }) => port > 0));
    return host.tasks;
  }

  async startGroup(count: number, config: ConfigureOptions, drainMs?: number): Promise<HostedGroup> {
    const configs = Array.from({ length: count }, () => ({ stack: this.#stackName(), ...config }));
    const host = new TaskHost(configs, { drainMs });
    this.#hosts.push(host);
    await this.until('the tasks serve', () => host.tasks.every(({ port }) => port > 0));
    return host;
  }

  #stackName(): StackName {
    const { name } = this.serverStack;
    if (name === 'node' || name === 'kernel') return name;
    throw new Error(`the stack ${name} cannot be chosen by name`);
  }

  systemThread(task: HostedTask): Promise<SystemThread> {
    return readSystemThread(
      this.#hosts.find(({ tasks }) => tasks.some((one) => one === task))?.processId ?? 0,
      task,
    );
  }

  async runProgram(body: string): Promise<string> {
    const source = `import { AsyncClient, AsyncServer } from 'asynctcp';\n${body}`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', source], {
      cwd: ROOT,
      timeout: PATIENCE_MS,
    });
    return stdout;
  }
}

/** Returns how many sockets and timers a stack holds, without the sockets that the runtime knows of. */
function unknownToRuntime(stack: TcpStack): number {
  const { listeners, timers } = stack.holdings();
  return stack.name === 'node' ? timers : heldBy(stack) + listeners;
}
