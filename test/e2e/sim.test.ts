/** `asynctcp sim` as its users run it. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { HANGS_MS, MAIN, program, temporaryFolder } from './programs/inline.js';
import { start, unlessInstalled, type Program } from './programs.js';

/** A device says hello to a server that echoes, over a link of 20 ms. */
const HELLO = `
export default async (network) => {
  const device = network.host('device', { profile: 'esp32', address: '10.0.0.2' });
  const gateway = network.host('gateway', { address: '10.0.0.1' });
  const link = network.link(device, gateway, { delayMs: 20 });
  const server = new asynctcp.AsyncServer(80, { stack: gateway.stack });
  server.onClient((client) => {
    client.onData((_, data) => client.write(data));
  });
  await server.begin();
  link.dropNext((packet) => packet.payloadBytes > 0);
  const opening = asynctcp.AsyncClient.open('gateway', 80, { stack: device.stack });
  const client = await network.runUntil(opening);
  client.write('hello');
  client.onData((_, data) => {
    console.log('heard', new TextDecoder().decode(data));
    client.close();
  });
  await network.run(10_000);
`;
const END = '};';

function startSim(test: TestContext, ...words: readonly string[]): Program {
  return start(test, process.execPath, [MAIN, 'sim', ...words]);
}

/** Starts a scenario that goes on after `HELLO`. */
function startHello(test: TestContext, more: string, ...words: readonly string[]): Program {
  return startSim(test, program(test, HELLO + more + END), ...words);
}

/** Resolves to what a command that fails has printed as its error. */
async function failure(running: Program, status: number): Promise<string> {
  assert.deepEqual(await running.ended, { status, signal: null }, running.stderr.text);
  return running.stderr.text;
}

describe('asynctcp sim', { concurrency: true, timeout: HANGS_MS }, () => {
  it('prints each packet with its time and hosts, then the links and connections', async (test) => {
    const text = await startHello(test, '', '--seed', '7').output();
    const lines = text.split('\n');
    assert.match(
      text,
      /^0\.000000 device > gateway: 10\.0\.0\.2\.\d+ > 10\.0\.0\.1\.80: Flags \[S\], seq 0, /,
    );
    assert.equal(lines.filter((line) => line.endsWith('length 5 (rule)')).length, 1);
    assert.ok(lines.indexOf('heard hello') > lines.findIndex((line) => line.endsWith('length 5')));
    assert.match(text, /^10\.040000 s of virtual time, seed 7, 2 hosts, 1 link, \d+ packets$/m);
    assert.match(text, /^ {2}device > gateway {2}(\d+) +\d+ +1 \(rule 1\)$/m);
    assert.match(text, /^ {2}gateway > device {2}(\d+) +\1 +0$/m);
    assert.match(text, /^ {2}device\.\d+ > gateway\.80 .* closed +5 B +5 B +1 \+ [01]$/m);
  });

  it('prints the same for the same seed', async (test) => {
    const file = program(test, HELLO + END);
    const runs = [1, 2].map(() => startSim(test, file, '--seed', 'a word').output());
    const [first, second] = await Promise.all(runs);
    assert.equal(first, second);
  });

  it('prints the summary alone with --quiet', async (test) => {
    const text = await startHello(test, '', '--quiet').output();
    assert.match(text, /^heard hello\n10\.040000 s of virtual time, seed \d+, /);
  });

  it('gives a scenario that lets no time pass a minute, or what --ms says', async (test) => {
    const file = program(test, `export default (network) => void network.host('lonely');`);
    assert.match(await startSim(test, file).output(), /^60\.000000 s of virtual time/m);
    assert.match(await startSim(test, file, '--ms', '1.5').output(), /^0\.001500 s of virtual time/m);
  });

  it('writes a capture in place of lines', { skip: unlessInstalled('tshark') }, async (test) => {
    const file = join(temporaryFolder(test), 'packets.pcapng');
    const text = await startHello(test, '', '--pcap', file).output();
    assert.match(text, /^heard hello\n10\.0/);
    const tshark = start(test, 'tshark', [
      '-r',
      file,
      '-Y',
      'tcp.flags.fin == 1',
      '-T',
      'fields',
      '-e',
      'ip.src',
    ]);
    const sources = (await tshark.output()).trim().split('\n');
    assert.deepEqual([...new Set(sources)].sort(), ['10.0.0.1', '10.0.0.2']);
  });

  it('captures each packet of a host once with --at', { skip: unlessInstalled('tshark') }, async (test) => {
    const file = join(temporaryFolder(test), 'packets.pcapng');
    const run = startHello(test, '', '--pcap', file, '--at', 'device');
    const sent = Number(/ device > gateway +(\d+)/.exec(await run.output())?.[1]);
    const fields = ['-T', 'fields', '-e', 'frame.interface_name', '-e', 'ip.src'];
    const lines = (await start(test, 'tshark', ['-r', file, ...fields]).output()).trim().split('\n');
    assert.equal(lines.filter((line) => line === 'device on device - gateway\t10.0.0.2').length, sent);
    assert.deepEqual([...new Set(lines.map((line) => line.split('\t')[0]))], ['device on device - gateway']);
  });

  it('says that there is no such host to capture at', async (test) => {
    const file = join(temporaryFolder(test), 'packets.pcapng');
    const said = await failure(startHello(test, '', '--pcap', file, '--at', 'devise'), 1);
    assert.equal(
      said,
      'asynctcp sim: the capture is empty: there is no host "devise", but device, gateway\n',
    );
  });

  it('gives a capture alone to a pipe', async (test) => {
    const scenario = program(test, HELLO + END);
    const running = start(test, 'sh', [
      '-c',
      '"$@" | od -A n -t x1 -N 4',
      'sh',
      process.execPath,
      ...[MAIN, 'sim', scenario, '--pcap', '-'],
    ]);
    assert.equal((await running.output()).trim(), '0a 0d 0d 0a');
    assert.match(running.stderr.text, /^heard hello\n10\.0/);
  });

  it('says that two runs were the same', async (test) => {
    const text = await startHello(test, '', '--check', '--seed', '3').output();
    assert.match(text, /^The same \d+ events of packets in two runs, seed 3$/m);
  });

  it('plays a scenario twice that leaves the globals of its network installed', async (test) => {
    const file = program(
      test,
      'export default (network) => { network.installGlobals(); setTimeout(() => network.host(`a`), 5); };',
    );
    assert.match(await startSim(test, file, '--check', '--seed', '3').output(), /^The same 0 events/);
  });

  it('shows the first packet that differs between two runs', async (test) => {
    const file = program(test, `let runs = 0;\n${HELLO.replace("'hello'", 'String(runs++)')}${END}`);
    const said = await failure(startSim(test, file, '--check', '--seed', '3'), 1);
    assert.match(said, /two runs with seed 3 differ from packet \d+ on:/);
    assert.match(said, /repeat: asynctcp sim \S+program\.mjs --seed 3 --check$/m);
  });
});

describe('asynctcp sim of a scenario that fails', { concurrency: true, timeout: HANGS_MS }, () => {
  it('names the time, the seed, the command that repeats it, and the place', async (test) => {
    const running = startHello(test, `throw new Error('too cold');`, '-q', '--seed', '7');
    const said = await failure(running, 1);
    assert.match(
      said,
      /^asynctcp sim: the scenario failed: too cold\n {2}at 10040 ms of virtual time, seed 7; /,
    );
    assert.match(
      said,
      /; repeat: asynctcp sim \S+program\.mjs --seed 7\n {2}at \S+ \(file:\S+program\.mjs:21:/,
    );
    assert.match(running.stdout.text, /seed 7, 2 hosts/);
  });

  it('names them also for an error of a handler', async (test) => {
    const bad = `network.at(11_000, () => { throw new Error('too hot'); });\nawait network.run(5000);`;
    const said = await failure(startHello(test, bad, '-q', '--seed', '7'), 1);
    assert.match(
      said,
      /^asynctcp sim: the scenario failed: too hot\n {2}at 11000 ms of virtual time, seed 7; /,
    );
  });

  it('names them also for an error that no run takes', async (test) => {
    const late = `
setTimeout(() => { throw new Error('too late'); }, 10);
await network.live(new Promise((resolve) => setTimeout(resolve, 1000)));`;
    const running = startHello(test, late, '-q', '--seed', '7');
    const said = await failure(running, 1);
    assert.match(
      said,
      /^asynctcp sim: the scenario failed: too late\n {2}at 10040 ms of virtual time, seed 7; /,
    );
    assert.match(running.stdout.text, /seed 7, 2 hosts/);
    const checked = await failure(startHello(test, late, '--check', '--seed', '7'), 1);
    assert.match(checked, /^asynctcp sim: the scenario failed: too late\n {2}at 10040 ms of /);
    assert.match(checked, /--seed 7 --check$/m);
  });

  it('says how time passes if the scenario waits for what cannot come', async (test) => {
    const said = await failure(startHello(test, 'await new Promise(() => {});', '-q'), 1);
    assert.match(
      said,
      /^asynctcp sim: the scenario waits, but its network does not run: let time pass with /,
    );
  });

  it('ends with Ctrl-C in a handler that does not return, and says where it was', async (test) => {
    const loop = `const forever = () => {
  for (let count = 0; ; count += 1) globalThis.count = count;
};
network.at(11_000, forever);
await network.run(5000);`;
    const running = startHello(test, loop, '-q', '--seed', '7');
    await running.stderr.line(
      /^asynctcp sim: the scenario has not returned for 2 s; Ctrl-C ends it now, without a summary$/,
    );
    await running.stderr.line(
      /^ {2}at 11000 ms of virtual time, seed 7; repeat: asynctcp sim \S+program\.mjs --seed 7$/,
    );
    await running.stderr.line(/^ {2}at forever \(\S+program\.mjs:22:/);
    assert.deepEqual(await running.interrupt(), { status: null, signal: 'SIGINT' });
  });

  it('hears Ctrl-C again when a handler has returned after all', async (test) => {
    const slow = `
network.at(11_000, () => {
  const endMs = performance.now() + 3500;
  while (performance.now() < endMs) globalThis.count = endMs;
  console.log('long');
});
const again = () => network.at(network.nowMs + 0.001, again);
network.at(11_500, () => {
  again();
  setTimeout(() => console.log('going'), 500);
});
await network.run(1e9);`;
    const running = startHello(test, slow, '-q', '--seed', '7');
    await running.stderr.line(/^asynctcp sim: the scenario has not returned for 2 s; /);
    await running.stdout.line(/^long$/);
    await running.stdout.line(/^going$/);
    assert.equal((await running.interrupt()).status, 130);
    assert.match(running.stdout.text, /virtual time, seed 7, 2 hosts/);
  });

  it('ends a long run with Ctrl-C, with the summary of what has happened', async (test) => {
    const busy = 'const again = () => network.at(network.nowMs + 0.001, again); again();';
    const running = startHello(test, `${busy} console.log('long'); await network.run(1e9);`, '-q');
    await running.stdout.line(/^long$/);
    assert.equal((await running.interrupt()).status, 130);
    assert.match(running.stdout.text, /virtual time, seed \d+, 2 hosts/);
    assert.match(running.stderr.text, /^asynctcp sim: interrupted at \d+(\.\d+)? ms of virtual time$/m);
  });
});

describe('wrong arguments of asynctcp sim', { concurrency: true, timeout: HANGS_MS }, () => {
  const CASES: readonly (readonly [words: readonly string[], message: RegExp])[] = [
    [[], /SCENARIO is missing/],
    [['missing.js'], /there is no scenario "missing\.js"/],
    [['.'], /"\." is a folder; name the scenario's file/],
    [['a.js', 'b.js'], /one scenario at a time, not "b\.js" as well/],
    [
      ['a.js', '--ms', 'soon'],
      /--ms must be a number of milliseconds of at most 9007199254, such as 5000, not "soon"/,
    ],
    [['a.js', '--ms', '9007199255'], /--ms must be .* of at most 9007199254, /],
    [['a.js', '--seed', ''], /--seed needs a number or a word/],
    [['a.js', '--at', 'device'], /--at needs --pcap/],
    [['a.js', '--check', '--quiet'], /--check prints no packets: leave --quiet out/],
    [['a.js', '--check', '--pcap', 'x'], /--check prints no packets: leave --pcap out/],
  ];
  for (const [words, message] of CASES) {
    it(`are answered in one line: ${words.join(' ') || 'none'}`, async (test) => {
      const said = await failure(startSim(test, ...words), 2);
      assert.match(said, message);
      assert.equal(said.split('\n').length, 2);
    });
  }

  it('are a module without a default function, and one that cannot be loaded', async (test) => {
    const none = program(test, 'export const scenario = 1;');
    assert.match(
      await failure(startSim(test, none), 2),
      /exports no function by default; a scenario is "export /,
    );
    const broken = program(test, 'export default (');
    assert.match(
      await failure(startSim(test, broken), 1),
      /^asynctcp sim: the scenario cannot be loaded: Unexpected/,
    );
  });

  it('are a capture that cannot be written', async (test) => {
    const said = await failure(startHello(test, '', '--pcap', '/nowhere/x.pcapng'), 1);
    assert.match(said, /^asynctcp sim: the capture "\/nowhere\/x\.pcapng" cannot be written: ENOENT/);
  });

  it('are TypeScript, if this Node runs none', async (test) => {
    const folder = temporaryFolder(test);
    const file = join(folder, 'scenario.ts');
    writeFileSync(
      file,
      `export default (network: object): void => console.log('typed', 'host' in network);\n`,
    );
    const running = startSim(test, file, '-q');
    const { status } = await running.ended;
    if (status === 0) assert.match(running.stdout.text, /^typed true$/m);
    else assert.match(running.stderr.text, /^asynctcp sim: Node \S+ does not run TypeScript/);
  });
});

describe('the help of asynctcp sim', { timeout: HANGS_MS }, () => {
  it('names every option, and what a scenario is', async (test) => {
    const text = await startSim(test, '--help').output();
    for (const word of ['--seed', '--ms', '--pcap', '--quiet', '--check', 'default export', '130, 143']) {
      assert.ok(text.includes(word), word);
    }
  });
});
