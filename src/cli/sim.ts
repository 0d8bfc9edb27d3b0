/** `asynctcp sim`: runs a scenario, a program with a simulated network, and prints what happened. */
import { MOST_TIME_MS } from '../sim/event-loop.js';
import type { Network } from '../sim/network.js';
import { CommandError, wrongArguments, type Arguments, type Command, type Option } from './command.js';
import { programUrl, typeScriptRefusal } from './program-file.js';
import type { Scenario, SimOptions } from './simulation.js';

/** Virtual time that a scenario gets which does not let time pass itself. */
const DEFAULT_MS = 60_000;
/** Value of `--pcap` for standard output. */
const STDOUT = '-';

const SEED: Option = {
  name: 'seed',
  value: 'SEED',
  meaning: 'number or word from which all chance comes: the same seed gives the same run (default: random)',
};
const MS: Option = {
  name: 'ms',
  value: 'N',
  meaning: `lets time pass until N ms of virtual time after the scenario has returned (default: ${DEFAULT_MS} if it has let no time pass itself)`,
};
const PCAP: Option = {
  name: 'pcap',
  value: 'FILE',
  meaning: `writes the packets to a file of pcapng, for Wireshark, instead of printing them; ${STDOUT} is standard output`,
};
const AT: Option = {
  name: 'at',
  value: 'HOST',
  meaning:
    'with --pcap: the packets that this host sends and receives, each once (default: each packet twice, when it leaves and when it arrives, on an interface for each end of a link)',
};
const QUIET: Option = { name: 'quiet', short: 'q', meaning: 'prints the summary, but no packets' };
const CHECK: Option = {
  name: 'check',
  meaning:
    'runs the scenario twice with one seed, and compares the packets: they must be the same, at the same times',
};

export const sim: Command = {
  name: 'sim',
  summary: 'runs a scenario with a simulated network in virtual time, and prints its packets',
  operands: 'SCENARIO',
  description:
    'Runs a scenario: a JavaScript module (or TypeScript, which Node runs from 22.18 and 23.6 on) whose default export is a function (network) => … that makes hosts, links and programs with asynctcp/virtual. Prints each packet as tcpdump does, with the virtual time and the names of the hosts, then a line for each direction of a link and for each connection. What the scenario prints stands in between.',
  options: [SEED, MS, PCAP, AT, QUIET, CHECK],
  sections: [
    {
      title: 'Time',
      rows: [
        ['network.run(ms)', 'a scenario that lets time pass itself ends when it returns, or at --ms'],
        ['no run', `a scenario that only makes hosts, links and programs gets ${DEFAULT_MS} ms, or --ms`],
      ],
    },
    {
      title: 'Exit status',
      rows: [
        ['0', 'the scenario has ended; with --check: both runs were the same'],
        ['1', 'the scenario failed: the time, the seed and the command that repeats it are printed'],
        ['2', 'arguments that cannot be used'],
        [
          '130, 143',
          'ended by Ctrl-C or SIGTERM; what has happened until then is summed up, unless a handler of the scenario has not returned for 2 s: then its place is printed',
        ],
      ],
    },
    {
      title: 'Examples',
      rows: [
        ['asynctcp sim outage.js', 'with a random seed, which the summary names'],
        ['asynctcp sim outage.js --seed 7 -q', 'the summary alone'],
        ['asynctcp sim outage.js --pcap outage.pcapng --at device', 'for Wireshark'],
        ['asynctcp sim outage.js --pcap - --at device | tshark -r -', 'in a pipe'],
        ['asynctcp sim outage.js --check', 'does the scenario depend on its seed alone?'],
      ],
    },
  ],
  run: runSim,
};

async function runSim(given: Arguments): Promise<number> {
  const [path, tooMuch] = given.operands;
  if (path === undefined) throw wrongArguments('SCENARIO is missing');
  if (tooMuch !== undefined)
    throw wrongArguments(`one scenario at a time, not ${JSON.stringify(tooMuch)} as well`);
  const options = readOptions(given, path);
  const scenario = await load(path);
  // Loaded here: no other command needs it.
  const { checkScenario, Simulation } = await import('./simulation.js');
  if (given.isOn(CHECK.name)) return untilStuck(checkScenario(scenario, options));
  return untilStuck(new Simulation(options).run(scenario));
}

function readOptions(given: Arguments, path: string): SimOptions {
  const pcap = given.value(PCAP.name);
  const at = given.value(AT.name);
  if (given.isOn(CHECK.name)) {
    const idle = [PCAP, QUIET].find(({ name }) => given.isOn(name) || given.value(name) !== undefined);
    if (idle !== undefined)
      throw wrongArguments(`--${CHECK.name} prints no packets: leave --${idle.name} out`);
  }
  if (at !== undefined && pcap === undefined) throw wrongArguments(`--${AT.name} needs --${PCAP.name}`);
  return {
    path,
    seed: readSeed(given.value(SEED.name)),
    ms: readMs(given.value(MS.name)),
    defaultMs: DEFAULT_MS,
    pcap,
    at,
    isPiped: pcap === STDOUT,
    isQuiet: given.isOn(QUIET.name) || pcap !== undefined,
  };
}

/** Returns a number for digits: `--seed 7` is `new Network({ seed: 7 })`. */
function readSeed(text: string | undefined): number | string | undefined {
  if (text === '') throw wrongArguments(`--${SEED.name} needs a number or a word`);
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : text;
}

function readMs(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && ms <= MOST_TIME_MS) return ms;
  throw wrongArguments(
    `--${MS.name} must be a number of milliseconds of at most ${MOST_TIME_MS}, such as 5000, not ${JSON.stringify(text)}`,
  );
}

/** Imports the scenario's module. */
async function load(path: string): Promise<Scenario> {
  const url = programUrl(path, 'scenario');
  let module: unknown;
  try {
    module = await import(url.href);
  } catch (error) {
    throw typeScriptRefusal(error, url) ?? notLoaded(error);
  }
  const scenario: unknown =
    typeof module === 'object' && module !== null ? Reflect.get(module, 'default') : undefined;
  if (isScenario(scenario)) return scenario;
  throw wrongArguments(
    `${JSON.stringify(path)} exports no function by default; a scenario is "export default async (network) => { … }"`,
  );
}

function notLoaded(error: unknown): CommandError {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const lines = stack.split('\n').filter((line) => !/node:internal|^\s*$/.test(line));
  const said = error instanceof Error ? error.message : String(error);
  return new CommandError(`the scenario cannot be loaded: ${said}`, { lines });
}

function isScenario(value: unknown): value is (network: Network) => PromiseLike<void> | void {
  return typeof value === 'function';
}

/**
 * Resolves as `outcome` does. Rejects if the process has nothing left to do before: the scenario waits for
 * what only a network that runs can bring.
 */
async function untilStuck(outcome: Promise<number>): Promise<number> {
  const stuck = new Promise<never>((_, reject) => {
    process.once('beforeExit', () => {
      const remedy = 'let time pass with "await network.run(ms)" or "await network.runUntil(promise)"';
      reject(new CommandError(`the scenario waits, but its network does not run: ${remedy}`));
    });
  });
  return Promise.race([outcome, stuck]);
}
