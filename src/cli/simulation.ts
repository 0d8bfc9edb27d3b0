/** One run of a scenario for `asynctcp sim`: its network, its output, and its end. */
import { Console } from 'node:console';
import { closeSync, openSync, writeSync } from 'node:fs';
import { inspect } from 'node:util';
import { Conversations } from '../link/conversations.js';
import { Capture } from '../link/capture.js';
import type { CaptureSink } from '../link/pcapng.js';
import { SimulationError } from '../sim/simulation-error.js';
import { checkDeterminism, Network } from '../virtual.js';
import { shellWord } from '../support/shell-word.js';
import { CommandError, ExitStatus } from './command.js';
import { summaryLines } from './sim-summary.js';
import { signalNumber, StopSignals, type StopSignal } from './stop-signals.js';
import { StuckWatch } from './stuck-watch.js';
import { countText } from './units.js';

/** Bytes of a capture that are written to its file at once. */
const WRITE_BYTES = 65_536;
/** The folder of the modules of this package. */
const PACKAGE_FOLDER = new URL('..', import.meta.url).href;

/** The default export of a scenario. */
export type Scenario = (network: Network) => PromiseLike<void> | void;

export interface SimOptions {
  /** The scenario's file, as the user has named it. */
  readonly path: string;
  readonly seed: number | string | undefined;
  /** Virtual time up to which time passes. */
  readonly ms: number | undefined;
  /** The same for a scenario that has let no time pass. */
  readonly defaultMs: number;
  /** File of the capture. */
  readonly pcap: string | undefined;
  /** Name of the host whose packets alone are captured. */
  readonly at: string | undefined;
  /** True: the capture goes to standard output, all else to standard error. */
  readonly isPiped: boolean;
  readonly isQuiet: boolean;
}

/** Runs a scenario, and then lets time pass that it has not. */
async function play(scenario: Scenario, network: Network, { ms, defaultMs }: SimOptions): Promise<void> {
  await scenario(network);
  const endMs = ms ?? (network.nowMs === 0 ? defaultMs : 0);
  if (network.nowMs < endMs) await network.run(endMs - network.nowMs);
}

/** Resolves as `outcome` does; rejects with an error that nothing catches, such as one of a real timer. */
async function untilUncaught<Value>(outcome: Promise<Value>): Promise<Value> {
  let fail: ((error: unknown) => void) | undefined;
  const uncaught = new Promise<never>((_, reject) => (fail = reject));
  const onError = (error: unknown): void => fail?.(error);
  process.on('uncaughtException', onError);
  try {
    return await Promise.race([outcome, uncaught]);
  } finally {
    process.off('uncaughtException', onError);
  }
}

export class Simulation {
  readonly #options: SimOptions;
  readonly #network: Network;
  readonly #connections: Conversations;
  readonly #output: NodeJS.WriteStream;
  readonly #capture: CaptureFile | undefined;

  /** @throws CommandError if the file of the capture cannot be written. */
  constructor(options: SimOptions) {
    this.#options = options;
    this.#network = makeNetwork(options);
    this.#output = options.isPiped ? process.stderr : process.stdout;
    const inward = (name: string): boolean =>
      this.#network.links.some((link) => link.name === name && link.nat !== undefined);
    this.#connections = new Conversations(
      (direction) => inward(direction.link) && direction.to === direction.link.split(' - ')[0],
    );
    this.#network.addTap(this.#connections);
    if (options.pcap !== undefined && !options.isPiped) this.#capture = new CaptureFile(options.pcap);
  }

  /** Resolves to the exit status. A signal ends the process. */
  async run(scenario: Scenario): Promise<number> {
    const network = this.#network;
    const { isQuiet, isPiped } = this.#options;
    if (isPiped) globalThis.console = new Console(process.stderr, process.stderr);
    const sink = isPiped ? process.stdout : this.#capture;
    const capture = sink === undefined ? undefined : captureOf(network, sink, this.#options.at);
    const printer = isQuiet ? undefined : network.print((line) => void this.#output.write(`${line}\n`));
    const signals = new StopSignals();
    const watch = new StuckWatch({
      onStuck: () => {
        // A signal may end the process: the capture has all packets up to here.
        this.#capture?.flush();
        signals.end();
        return placeOf(network, this.#options);
      },
      onReturned: () => {
        signals.begin();
      },
    });
    void signals.next().then((signal) => {
      printer?.stop();
      this.#interrupted(signal);
    });
    let failure: { readonly error: unknown } | undefined;
    try {
      await untilUncaught(play(scenario, network, this.#options));
    } catch (error) {
      failure = { error };
    }
    watch.end();
    signals.end();
    printer?.stop();
    capture?.stop();
    this.#finish();
    if (failure === undefined) {
      checkPlace(network, this.#options.at);
      return ExitStatus.OK;
    }
    throw failureOf(failure.error, network, this.#options);
  }

  #finish(): void {
    this.#capture?.close();
    const lines = summaryLines(this.#network, this.#connections);
    // Packets and summary are apart.
    const gap = this.#options.isQuiet ? [] : [''];
    this.#output.write(`${[...gap, ...lines].join('\n')}\n`);
  }

  #interrupted(signal: StopSignal): void {
    this.#finish();
    const text = `asynctcp sim: interrupted at ${this.#network.nowMs} ms of virtual time\n`;
    process.stderr.write(text, () => process.exit(ExitStatus.SIGNAL + signalNumber(signal)));
  }
}

/** Runs a scenario twice and compares. Resolves to the exit status. */
export async function checkScenario(scenario: Scenario, options: SimOptions): Promise<number> {
  const { seed } = makeNetwork(options);
  const program = (network: Network): Promise<void> => play(scenario, network, options);
  let last: Network | undefined;
  try {
    const command = commandOf(options.path, seed, '--check');
    const runs = checkDeterminism((network) => program((last = network)), { seed, command });
    const packets = await untilUncaught(runs);
    process.stdout.write(`The same ${countText(packets, 'event')} of packets in two runs, seed ${seed}\n`);
    return ExitStatus.OK;
  } catch (error) {
    throw failureOf(error, last ?? makeNetwork(options), options, '--check');
  }
}

/** Captures the packets of a network, or of a host that the scenario is about to make. */
function captureOf(network: Network, sink: CaptureSink, at: string | undefined): Capture {
  const { seed, epochMs } = network;
  const capture = new Capture(sink, { seed, epochMs, at }, (ended) => {
    network.removeTap(ended);
  });
  network.addTap(capture);
  return capture;
}

function checkPlace({ hosts }: Network, at: string | undefined): void {
  if (at === undefined || hosts.some(({ name }) => name === at)) return;
  const names = hosts.map(({ name }) => name).join(', ');
  throw new CommandError(
    `the capture is empty: there is no host ${JSON.stringify(at)}, but ${names || 'none'}`,
  );
}

function makeNetwork({ seed, path }: SimOptions): Network {
  const { seed: drawn } = new Network(seed === undefined ? {} : { seed });
  return new Network({ seed: drawn, command: commandOf(path, drawn) });
}

/** Returns the command that repeats a run. */
function commandOf(path: string, seed: number | string, ...more: readonly string[]): string {
  return ['asynctcp sim', shellWord(path), `--seed ${shellWord(String(seed))}`, ...more].join(' ');
}

/** Returns the time of a run, and the command that repeats it. */
function placeOf({ nowMs, seed }: Network, { path }: SimOptions, ...more: readonly string[]): string {
  return `at ${nowMs} ms of virtual time, seed ${seed}; repeat: ${commandOf(path, seed, ...more)}`;
}

/** Returns the error of a scenario that has failed, with the place in it below. */
function failureOf(
  error: unknown,
  network: Network,
  options: SimOptions,
  ...more: readonly string[]
): CommandError {
  const own = error instanceof SimulationError ? error : undefined;
  const cause = own === undefined ? error : own.cause;
  const [message = '', ...rest] = (error instanceof Error ? error.message : inspect(error)).split('\n');
  const lines =
    own === undefined ? [...rest, placeOf(network, options, ...more)] : rest.map((line) => line.trim());
  return new CommandError(`the scenario failed: ${message}`, { lines: [...lines, ...stackOf(cause)] });
}

/** Returns the lines of an error's stack that are neither Node's nor this package's own. */
function stackOf(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const lines = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const isOwn = (line: string): boolean => line.includes('node:internal') || line.includes(PACKAGE_FOLDER);
  return lines.filter((line) => !isOwn(line)).map((line) => line.trim());
}

/** The file of a capture. Its bytes are written by synchronous calls: no turn of the loop is needed. */
class CaptureFile implements Exclude<CaptureSink, (bytes: Uint8Array) => void> {
  readonly #path: string;
  readonly #descriptor: number;
  #pieces: Uint8Array[] = [];
  #bytes = 0;

  constructor(path: string) {
    this.#path = path;
    try {
      this.#descriptor = openSync(path, 'w');
    } catch (error) {
      throw this.#refused(error);
    }
  }

  write(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes >= WRITE_BYTES) this.flush();
  }

  close(): void {
    this.flush();
    closeSync(this.#descriptor);
  }

  flush(): void {
    const all = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#bytes = 0;
    try {
      for (let at = 0; at < all.length;) at += writeSync(this.#descriptor, all, at);
    } catch (error) {
      throw this.#refused(error);
    }
  }

  #refused(error: unknown): CommandError {
    const said = error instanceof Error ? error.message : String(error);
    return new CommandError(`the capture ${JSON.stringify(this.#path)} cannot be written: ${said}`);
  }
}
