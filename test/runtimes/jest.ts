/**
 * The library in Jest, which loads it anew for each test file, all of them in one thread: `npm run test:jest`
 * installs Jest and runs 30 files, `-- 8` fewer. The last file must find as many threads and descriptors as
 * the first one.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAddon } from '#src/addon/load-addon.js';

const VERSION = '30.5.2';
const ROOT = join(import.meta.dirname, '..', '..', '..');
const FOLDER = join(ROOT, '.cache', `jest-${VERSION}`);
const JEST = join('node_modules', 'jest', 'bin', 'jest.js');
const DOOR = join(ROOT, 'dist', 'index.js');
/** Ends a run that hangs. No passing run waits this long. */
const HANGS_MS = 600_000;

interface Holds {
  readonly threads: number;
  readonly descriptors: number;
}

function install(): void {
  if (existsSync(join(FOLDER, JEST))) return;
  process.stderr.write(`installing jest ${VERSION}\n`);
  // Renamed when it is complete, so that an interrupted run leaves no incomplete folder.
  const unfinished = `${FOLDER}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  const flags = ['--ignore-scripts', '--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--silent'];
  execFileSync('npm', ['install', ...flags, '--prefix', unfinished, `jest@${VERSION}`], { stdio: 'inherit' });
  renameSync(unfinished, FOLDER);
}

function testFile(told: string): string {
  return `
    import { appendFileSync, readdirSync } from 'node:fs';
    import { AsyncClient, AsyncServer } from ${JSON.stringify(DOOR)};
    test('a conversation', async () => {
      const server = new AsyncServer('127.0.0.1', 0);
      server.onClient((client) => {
        client.onData(() => { client.write('hello'); });
      });
      await server.begin();
      const client = await AsyncClient.open('127.0.0.1', server.port());
      const echoed = new Promise((resolve) => { client.onData((_, data) => resolve(data.length)); });
      client.write('hello');
      expect(await echoed).toBe(5);
      const over = new Promise((resolve) => { client.onDisconnect(resolve); });
      client.close();
      await over;
      await server.end();
      const count = (what) => readdirSync('/proc/self/' + what).length;
      const holds = { threads: count('task'), descriptors: count('fd') };
      appendFileSync(${JSON.stringify(told)}, JSON.stringify(holds) + '\\n');
    });`;
}

/** Returns what the process holds at the end of each file. */
function holdsAfterEach(files: number, stack: string): Holds[] {
  const project = mkdtempSync(join(tmpdir(), 'asynctcp-jest-'));
  try {
    const told = join(project, 'told');
    writeFileSync(join(project, 'package.json'), '{ "type": "module", "jest": { "transform": {} } }');
    for (let file = 0; file < files; file += 1)
      writeFileSync(join(project, `${file}.test.js`), testFile(told));
    const { status, stderr } = spawnSync(process.execPath, [join(FOLDER, JEST), '--runInBand'], {
      cwd: project,
      encoding: 'utf8',
      timeout: HANGS_MS,
      env: {
        ...process.env,
        CONFIG_ASYNC_TCP_STACK: stack,
        NODE_OPTIONS: '--experimental-vm-modules --no-warnings',
      },
    });
    assert.equal(status, 0, stderr);
    const lines = readFileSync(told, 'utf8').trim().split('\n');
    assert.equal(lines.length, files);
    return lines.map((line) => JSON.parse(line) as Holds);
  } finally {
    rmSync(project, { recursive: true });
  }
}

const files = Number(process.argv[2] ?? 30);
install();
for (const stack of loadAddon().addon === undefined ? ['node'] : ['node', 'kernel']) {
  const holds = holdsAfterEach(files, stack);
  const [first, last] = [holds[0], holds.at(-1)];
  assert.ok(first !== undefined && last !== undefined);
  console.log(
    `jest ${VERSION}, ${files} files on the stack ${stack}: ${first.threads} threads and ${first.descriptors} ` +
      `descriptors after the first, ${last.threads} and ${last.descriptors} after the last`,
  );
  assert.ok(last.threads <= first.threads, 'no thread is left by a file');
  assert.ok(last.descriptors <= first.descriptors, 'no descriptor is left by a file');
}
