/**
 * `asynctcp doctor`: prints which parts of the library work on this machine, and a remedy for each that
 * does not.
 */
import { Session } from 'node:inspector';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { configuration } from '../asynctcp/configuration.js';
import { chooseStack } from '../asynctcp/stack-choice.js';
import { kernelStack, nodeStack } from '../index.js';
import type { Capabilities } from '../port/capabilities.js';
import { loadAddon } from '../addon/load-addon.js';
import type { NativeAddon } from '../addon/native-addon.js';
import { HIGHEST_PRIORITY, LOWEST_PRIORITY, niceOfPriority } from '../task/priority.js';
import { MINIMAL_STACK_BYTES, WORD_BYTES } from '../task/stack-size.js';
import { ExitStatus, type Arguments, type Command } from './command.js';
import { applyConfiguration } from './configuration-options.js';
import { wrap } from './text-table.js';
import { setupLines } from './twin.js';
import { PACKAGE_VERSION } from '../support/version.js';

/** The result of one check. */
interface Finding {
  readonly subject: string;
  readonly can: boolean;
  readonly detail: string;
  /** The remedy, if `can` is false and there is one. */
  readonly remedy?: string;
}

/** Open files below which the check warns: a server may want a connection for each of 10,000 clients. */
const FEW_FILES = 10_000;
const LIMITS = '/proc/self/limits';
const STATUS = '/proc/self/status';
/** The device by which TAP and TUN are opened. */
const TUN_DEVICE = '/dev/net/tun';
/** Bit of CAP_NET_ADMIN in the mask of capabilities. */
const CAP_NET_ADMIN = 12n;
/** Columns; the longest subject fits. */
const SUBJECT_WIDTH = 18;

export const doctor: Command = {
  name: 'doctor',
  summary: 'checks what works on this machine, and prints a remedy for what does not',
  description:
    'Checks what the library can use on this machine, as this user: stacks, the native addon, core pinning, priorities, stack measurement, the watchdog, the limit of open files, and TAP devices. For each "no" it prints a remedy.',
  options: [],
  sections: [
    {
      title: 'Exit status',
      rows: [['0', 'always: a "no" is no failure, because most programs work without it']],
    },
  ],
  run: runDoctor,
};

async function runDoctor(given: Arguments): Promise<number> {
  applyConfiguration(given);
  const loaded = loadAddon();
  const { addon } = loaded;
  const findings = [
    stackInUseFinding(),
    kernelStackFinding(),
    nodeStackFinding(),
    addonFinding(loaded.reason),
    pinningFinding(addon),
    priorityFinding(addon),
    measurementFinding(addon),
    await threadFinding(),
    watchdogFinding(),
    filesFinding(),
    tapFinding(addon),
  ];
  const { platform, arch, versions } = process;
  process.stdout.write(
    `asynctcp ${PACKAGE_VERSION} on Node ${versions.node}, ${platform} ${arch}\n\n${findings.flatMap(findingLines).join('\n')}\n`,
  );
  return ExitStatus.OK;
}

function findingLines({ subject, can, detail, remedy }: Finding): string[] {
  const margin = ' '.repeat(2 + 5 + SUBJECT_WIDTH);
  const text = can || remedy === undefined ? detail : `${detail}. ${remedy}`;
  const [first = '', ...others] = wrap(text, 100 - margin.length);
  return [
    `  ${can ? 'yes' : 'no '}  ${subject.padEnd(SUBJECT_WIDTH)}${first}`,
    ...others.map((line) => margin + line),
  ];
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

// ---- the checks

/** Returns why the stack `kernel` cannot be used; `undefined` if it can. */
function kernelFailure(): string | undefined {
  try {
    kernelStack();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** Returns the stack of clients and servers without the option `stack`, and the reason. */
function stackInUseFinding(): Finding {
  const subject = 'stack in use';
  const chosen = configuration.stack();
  if (chosen === 'auto') {
    const why =
      kernelFailure() === undefined
        ? 'kernel, because the native addon works'
        : 'node, because the stack kernel does not';
    return { subject, can: true, detail: `${why} (CONFIG_ASYNC_TCP_STACK is auto)` };
  }
  try {
    const { name } = chooseStack(undefined).stack;
    return { subject, can: true, detail: `${name}, by CONFIG_ASYNC_TCP_STACK` };
  } catch (error) {
    const remedy = 'CONFIG_ASYNC_TCP_STACK=auto takes what there is.';
    return { subject, can: false, detail: messageOf(error).replace(/\.$/, ''), remedy };
  }
}

function stackText({ acknowledgement, receiveWindow, reusePort }: Capabilities): string {
  const ports = reusePort ? 'shares ports' : 'cannot share ports (Node 22.12 can)';
  return `acknowledgements ${acknowledgement}, receive window ${receiveWindow}, ${ports}`;
}

function kernelStackFinding(): Finding {
  const subject = 'stack kernel';
  if (loadAddon().addon === undefined) return { subject, ...NEEDS_ADDON };
  try {
    return { subject, can: true, detail: `epoll; ${stackText(kernelStack().capabilities)}` };
  } catch (error) {
    const remedy = 'A sandbox that forbids epoll has to allow it.';
    return { subject, can: false, detail: messageOf(error), remedy };
  }
}

function nodeStackFinding(): Finding {
  return { subject: 'stack node', can: true, detail: `node:net; ${stackText(nodeStack().capabilities)}` };
}

function addonFinding(reason: string | undefined): Finding {
  const subject = 'native addon';
  return reason === undefined
    ? { subject, can: true, detail: 'loaded' }
    : { subject, can: false, detail: reason };
}

const NEEDS_ADDON = { can: false, detail: 'needs the native addon' } as const;

function pinningFinding(addon: NativeAddon | undefined): Finding {
  const subject = 'core pinning';
  if (addon === undefined) return { subject, ...NEEDS_ADDON };
  const cores = addon.affinity();
  try {
    for (const core of cores) addon.setAffinity([core]);
    addon.setAffinity(cores);
    return { subject, can: true, detail: `CONFIG_ASYNC_TCP_RUNNING_CORE may be ${cores.join(', ')}` };
  } catch (error) {
    const remedy = 'A sandbox that forbids sched_setaffinity has to allow it.';
    return { subject, can: false, detail: messageOf(error), remedy };
  }
}

/** Tries nice values on this command's own thread, from the highest priority down. */
function priorityFinding(addon: NativeAddon | undefined): Finding {
  const subject = 'priorities';
  if (addon === undefined) return { subject, ...NEEDS_ADDON };
  let highest = HIGHEST_PRIORITY;
  while (highest > LOWEST_PRIORITY && !canSetNice(addon, niceOfPriority(highest))) highest -= 1;
  const nice = niceOfPriority(highest);
  const detail = `CONFIG_ASYNC_TCP_TASK_PRIORITY may be ${LOWEST_PRIORITY} to ${highest} (nice 19 to ${nice})`;
  const remedy =
    'Above that the process needs CAP_SYS_NICE, or a higher limit: "ulimit -e 40" as root, LimitNICE=-20 with systemd, --cap-add=SYS_NICE with Docker.';
  return { subject, can: highest === HIGHEST_PRIORITY, detail, remedy };
}

function canSetNice(addon: NativeAddon, nice: number): boolean {
  try {
    addon.setNice(nice);
    return true;
  } catch {
    // Refused by the system, or forbidden by a sandbox.
    return false;
  }
}

function measurementFinding(addon: NativeAddon | undefined): Finding {
  const subject = 'stack measurement';
  if (addon === undefined) return { subject, ...NEEDS_ADDON };
  try {
    const { bytes } = addon.stack();
    addon.watchStack(Math.min(bytes, MINIMAL_STACK_BYTES));
    addon.unusedStack();
    return { subject, can: true, detail: 'page-exact, with CONFIG_ASYNC_TCP_DIAGNOSTICS=1' };
  } catch (error) {
    const remedy = 'A sandbox that forbids madvise or mincore has to allow them.';
    return { subject, can: false, detail: messageOf(error), remedy };
  }
}

async function threadFinding(): Promise<Finding> {
  const subject = 'task thread';
  const words = MINIMAL_STACK_BYTES / WORD_BYTES;
  try {
    const worker = new Worker('', {
      eval: true,
      resourceLimits: { stackSizeMb: MINIMAL_STACK_BYTES / 1024 / 1024 },
    });
    await once(worker, 'exit');
    return {
      subject,
      can: true,
      detail: `"asynctcp run" and startTask(); a stack of ${words} words or more`,
    };
  } catch (error) {
    const remedy = 'A runtime with node:worker_threads is needed; the permission model wants --allow-worker.';
    return { subject, can: false, detail: messageOf(error), remedy };
  }
}

function watchdogFinding(): Finding {
  const subject = 'watchdog';
  if (typeof Session.prototype.connectToMainThread === 'function') {
    return { subject, can: true, detail: 'reports the client and the place where a callback is stuck' };
  }
  const remedy = 'It reports the handler only; a Node with its inspector also reports client and place.';
  return { subject, can: false, detail: 'this runtime has no inspector', remedy };
}

function filesFinding(): Finding {
  const subject = 'open files';
  let text;
  try {
    text = readFileSync(LIMITS, 'utf8');
  } catch {
    return { subject, can: true, detail: 'the system’s own limit (not Linux)' };
  }
  const [, soft = '', hard = ''] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(text) ?? [];
  const detail = `${soft} at once (may be raised to ${hard}); each connection is one`;
  const remedy = `Raise it where the program is started: "ulimit -n ${FEW_FILES}", LimitNOFILE= with systemd, --ulimit nofile= with Docker.`;
  return { subject, can: soft === 'unlimited' || Number(soft) >= FEW_FILES, detail, remedy };
}

/** Looks if TAP devices can be opened, without opening one: other programs of the machine would see it. */
function tapFinding(addon: NativeAddon | undefined): Finding {
  const subject = 'TAP devices';
  if (addon === undefined) return { subject, ...NEEDS_ADDON };
  try {
    closeSync(openSync(TUN_DEVICE, 'r+'));
  } catch (error) {
    const remedy = 'It needs "modprobe tun" as root; with Docker, --device /dev/net/tun.';
    return { subject, can: false, detail: messageOf(error), remedy };
  }
  if (canMakeDevices()) return { subject, can: true, detail: '"asynctcp serve --tap NAME" makes them' };
  const [line = ''] = setupLines('tap0', []);
  const remedy = `As root, type "${line}", then "asynctcp serve --tap tap0" as this user.`;
  return { subject, can: false, detail: 'this user may use them, but not make them', remedy };
}

/** Returns true if the process has CAP_NET_ADMIN. */
function canMakeDevices(): boolean {
  try {
    const [, mask = '0'] = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync(STATUS, 'utf8')) ?? [];
    return ((BigInt(`0x${mask}`) >> CAP_NET_ADMIN) & 1n) === 1n;
  } catch {
    // No /proc: the attempt to open a device says more.
    return false;
  }
}
