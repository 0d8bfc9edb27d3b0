/** The paths of a dashboard: who may look, who may act, and what they get. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import { describe, it, type TestContext } from 'node:test';
import { AsyncWebServer, HTTP_GET } from 'asynctcp-web';
import { dashboard, serveDashboard, type Dashboard, type DashboardOptions } from 'asynctcp-web/dashboard';
import { answerTo, bed, type Answer, type Bed } from '../bed.js';
import { ExampleMonitor, exampleSnapshot } from './example-monitor.js';

const AT = 1_700_000_000_000;
const TOKEN = 'a token of the test'.replaceAll(' ', '-');
const ACT = { 'X-Asynctcp-Action': 'reset' };

interface Board {
  readonly bed: Bed;
  readonly monitor: ExampleMonitor;
  readonly board: Dashboard;
  readonly logged: readonly string[];
  readonly get: (path: string, headers?: http.OutgoingHttpHeaders) => Promise<Answer>;
  readonly post: (path: string, headers?: http.OutgoingHttpHeaders, body?: string) => Promise<Answer>;
}

async function boardOn(
  test: TestContext,
  options: DashboardOptions = {},
  host = '127.0.0.1',
): Promise<Board> {
  const monitor = new ExampleMonitor({ atMs: AT });
  const logged: string[] = [];
  let board: Dashboard | undefined;
  const made = await bed(
    test,
    'memory',
    (server) => {
      board = dashboard(server, { monitor, log: (line) => logged.push(line), ...options });
    },
    { host },
  );
  assert.ok(board !== undefined);
  const own = { Host: `localhost:${made.port}` };
  return {
    bed: made,
    monitor,
    board,
    logged,
    get: (path, headers = {}) => made.ask(path, { headers: { ...own, ...headers } }),
    post: (path, headers = {}, body = '') =>
      made.ask(path, { method: 'POST', headers: { ...own, ...headers }, body }),
  };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined;
}

function jsonOf(answer: Answer): Record<string, unknown> {
  const value: unknown = JSON.parse(answer.text);
  assert.ok(isRecord(value));
  return value;
}

describe('the page of a dashboard', () => {
  it('is sent with its modules, styles and charts, under a policy that lets in no other host', async (test) => {
    const { get } = await boardOn(test);
    const page = await get('/');
    assert.equal(page.status, 200);
    assert.match(
      String(page.headers['content-security-policy']),
      /^default-src 'self'; .*frame-ancestors 'none'/,
    );
    const files = [...page.text.matchAll(/(?:src|href)="([\w.-]+)"/g)].map(([, name]) => name ?? '');
    assert.ok(files.includes('main.js') && files.includes('uplot.css'), files.join(' '));
    for (const file of [...files, 'charts.js', 'uplot.js', 'theme.css', 'login.css']) {
      const answer = await get(`/${file}`);
      assert.equal(answer.status, 200, file);
      assert.equal(answer.headers['x-content-type-options'], 'nosniff');
      // uPlot names its own page in a comment; no other file names a host.
      const text = file === 'uplot.js' ? '' : answer.text.replaceAll('http://www.w3.org/2000/svg', '');
      assert.doesNotMatch(text, /https?:\/\//, file);
    }
  });

  it('can be mounted below a path, and leaves the rest to the program', async (test) => {
    const { bed: made, get, board } = await boardOn(test, { path: '/ops/dashboard/' });
    made.server.on('', HTTP_GET, (request) => request.send(200, 'text/plain', 'the program'));
    assert.equal((await get('/')).text, 'the program');
    const redirect = await get('/ops/dashboard');
    assert.deepEqual([redirect.status, redirect.headers.location], [302, '/ops/dashboard/']);
    assert.match((await get('/ops/dashboard/')).text, /<script type="module" src="main.js">/);
    assert.equal((await get('/ops/dashboard/metrics')).status, 200);
    assert.equal((await get('/metrics')).text, 'the program');
    assert.equal(board.url(), `http://127.0.0.1:${made.port}/ops/dashboard/`);
    board.end();
    assert.equal((await get('/ops/dashboard/metrics')).text, 'the program');
  });

  it('refuses a path that no folder has, and a token that is too short', () => {
    const server = new AsyncWebServer(0);
    const monitor = new ExampleMonitor({ atMs: AT });
    for (const path of ['dashboard', '/a b', '/../x', '/*', '/a//b'])
      assert.throws(() => dashboard(server, { monitor, path }), RangeError, path);
    assert.throws(() => dashboard(server, { monitor, token: 'short' }), /at least 16 characters/);
  });
});

describe('the figures of a dashboard', () => {
  it('come as JSON', async (test) => {
    const { get, monitor } = await boardOn(test);
    const snapshot = jsonOf(await get('/snapshot.json'));
    const { connections, ...rest } = monitor.snapshot();
    const { connections: shown, ...shownRest } = snapshot;
    assert.deepEqual(shownRest, JSON.parse(JSON.stringify(rest)));
    assert.ok(Array.isArray(shown) && shown.length === connections.length);
    assert.deepEqual(JSON.parse((await get('/history.json')).text), monitor.history());
    assert.deepEqual(JSON.parse((await get('/events.json?since=5')).text), monitor.events(5));
    assert.equal((await get('/events.json?since=x')).status, 400);
    assert.equal((await get('/events.json?since=-1')).status, 400);
  });

  it('are bounded with 20,000 connections, however they are asked for', async (test) => {
    const monitor = new ExampleMonitor({ atMs: AT, connections: 20_000 });
    const { get } = await boardOn(test, { monitor });
    const { connections } = jsonOf(await get('/snapshot.json'));
    assert.ok(Array.isArray(connections));
    assert.equal(connections.length, 1000);
    const answer = jsonOf(await get('/connections.json?filter=kernel&order=rtt'));
    assert.ok(Array.isArray(answer['rows']));
    assert.deepEqual([answer['rows'].length, answer['found'], answer['all']], [50, 20_001, 20_001]);
  });

  it('are filtered and ordered by the server', async (test) => {
    const { get } = await boardOn(test);
    const { rows, found } = jsonOf(await get('/connections.json?filter=%2337&order=age'));
    assert.equal(found, 1);
    assert.ok(Array.isArray(rows));
    assert.match(
      JSON.stringify(rows[0]),
      /"peer":"198\.51\.100\.23:51234".*"why":"The peer's program has not read/,
    );
    assert.equal((await get('/connections.json?order=constructor')).status, 400);
    assert.equal((await get(`/connections.json?filter=${'x'.repeat(101)}`)).status, 400);
    assert.equal((await get(`/connections.json?filter=${'x'.repeat(100)}`)).status, 200);
  });
});

describe('the actions of a dashboard', () => {
  it('close and reset a connection', async (test) => {
    const { post, monitor } = await boardOn(test);
    assert.equal((await post('/connections/37/reset', ACT)).status, 204);
    assert.equal((await post('/connections/100/close', ACT)).status, 204);
    assert.deepEqual(monitor.acts, ['reset 37', 'close 100']);
    const again = await post('/connections/37/reset', ACT);
    assert.deepEqual([again.status, again.text], [404, 'there is no connection #37']);
  });

  it('are only those, by POST alone, and for a number', async (test) => {
    const { get, post, monitor } = await boardOn(test);
    for (const path of [
      '/connections/37/drain',
      '/connections/x/reset',
      '/connections/37',
      '/connections/-1/close',
    ])
      assert.equal((await post(path, ACT)).status, 404, path);
    const answer = await get('/connections/37/reset', ACT);
    assert.deepEqual([answer.status, answer.headers.allow], [405, 'POST']);
    assert.deepEqual(monitor.acts, []);
  });

  const OTHERS: readonly (readonly [what: string, headers: http.OutgoingHttpHeaders])[] = [
    ['without the header', {}],
    ['of another site', { ...ACT, 'Sec-Fetch-Site': 'cross-site' }],
    ['of another port of this machine', { ...ACT, 'Sec-Fetch-Site': 'same-site' }],
    ['of another origin', { ...ACT, Origin: 'http://evil.example' }],
    ['of no origin, as a sandboxed frame has', { ...ACT, Origin: 'null' }],
    ['of an origin that begins alike', { ...ACT, Origin: 'http://localhost.evil.example' }],
    ['to another host, as after DNS rebinding', { ...ACT, Host: 'evil.example:7080' }],
    ['to a host that begins alike', { ...ACT, Host: '127.0.0.1.evil.example' }],
    ['of a page that was rebound', { ...ACT, Host: 'evil.example', Origin: 'http://evil.example' }],
  ];
  for (const [what, headers] of OTHERS) {
    it(`do nothing for a request ${what}`, async (test) => {
      const { post, monitor } = await boardOn(test);
      const answer = await post('/connections/37/reset', headers);
      assert.equal(answer.status, 403, answer.text);
      assert.deepEqual(monitor.acts, []);
    });
  }

  it('are done for the page itself, under each name of this machine', async (test) => {
    const { bed: made, post, monitor } = await boardOn(test);
    for (const name of ['localhost', '127.0.0.1', '[::1]', 'asynctcp.localhost', '127.1.2.3']) {
      const host = `${name}:${made.port}`;
      const own = { ...ACT, Host: host, Origin: `http://${host}`, 'Sec-Fetch-Site': 'same-origin' };
      assert.equal((await post('/connections/37/reset', own)).status, monitor.acts.length === 1 ? 204 : 404);
    }
    assert.equal(monitor.acts.length, 5);
  });
});

describe('a look at a dashboard', () => {
  it('from another site is refused, unless it is a visit', async (test) => {
    const { get } = await boardOn(test);
    const cross = { 'Sec-Fetch-Site': 'cross-site' };
    assert.equal((await get('/snapshot.json', { ...cross, 'Sec-Fetch-Mode': 'cors' })).status, 403);
    assert.equal((await get('/stream', { ...cross, 'Sec-Fetch-Mode': 'cors' })).status, 403);
    assert.equal((await get('/', { ...cross, 'Sec-Fetch-Mode': 'navigate' })).status, 200);
  });

  it('under a name that is none of this machine is refused', async (test) => {
    const { get, bed: made } = await boardOn(test);
    assert.equal((await get('/', { Host: 'evil.example' })).status, 403);
    assert.equal((await get('/metrics', { Host: `rebound.example:${made.port}` })).status, 403);
  });
});

describe('the token of a dashboard', () => {
  const PATHS = [
    '/snapshot.json',
    '/history.json',
    '/events.json',
    '/connections.json',
    '/metrics',
    '/stream',
    '/main.js',
  ];

  it('is not needed on a loopback address, and made at random on another', async (test) => {
    const local = await boardOn(test);
    assert.equal((await local.get('/metrics')).status, 200);
    assert.deepEqual(local.logged, []);
    const open = await boardOn(test, {}, '0.0.0.0');
    for (const path of PATHS) {
      const answer = await open.get(path);
      assert.equal(answer.status, 401, path);
      assert.match(answer.headers['www-authenticate'] ?? '', /^Bearer /);
    }
    assert.equal((await open.post('/connections/37/reset', ACT)).status, 401);
    assert.deepEqual(open.monitor.acts, []);
    const [line = '', ...others] = open.logged;
    assert.deepEqual(others, [], 'it is printed once');
    const token = /\?token=([\w-]{32})$/.exec(line)?.[1] ?? '';
    assert.equal((await open.get('/metrics', { Authorization: `Bearer ${token}` })).status, 200);
    assert.equal(line.endsWith(open.board.url()), true);
  });

  it('is needed on a loopback address too if the program sets one, and no name of a host is then', async (test) => {
    const { get, logged } = await boardOn(test, { token: TOKEN });
    assert.equal((await get('/metrics')).status, 401);
    const right = { Authorization: `Bearer ${TOKEN}`, Host: 'gateway.example' };
    assert.equal((await get('/metrics', right)).status, 200);
    for (const wrong of [`${TOKEN}x`, TOKEN.slice(1), 'x'])
      assert.equal((await get('/metrics', { ...right, Authorization: `Bearer ${wrong}` })).status, 401);
    assert.deepEqual(logged, []);
  });

  it('does not let another site act', async (test) => {
    const { post, monitor } = await boardOn(test, { token: TOKEN });
    const right = { Authorization: `Bearer ${TOKEN}`, Host: 'gateway.example' };
    const other = { ...right, ...ACT, Origin: 'http://evil.example' };
    assert.equal((await post('/connections/37/reset', other)).status, 403);
    // A proxy in front of the dashboard speaks TLS.
    const own = { ...right, ...ACT, Origin: 'https://gateway.example' };
    assert.equal((await post('/connections/37/reset', own)).status, 204);
    assert.deepEqual(monitor.acts, ['reset 37']);
  });

  it('becomes a cookie by the printed link, and leaves the address', async (test) => {
    const { get } = await boardOn(test, { token: TOKEN });
    const form = await get('/');
    assert.equal(form.status, 401);
    assert.match(form.text, /<form method="post" action="\/login">/);
    const entered = await get(`/?token=${TOKEN}`);
    assert.deepEqual([entered.status, entered.headers.location], [303, '/']);
    const cookie = entered.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
    assert.equal((await get('/', { Cookie: cookie })).status, 200);
    assert.equal((await get('/snapshot.json', { Cookie: cookie })).status, 200);
    assert.equal((await get('/', { Cookie: `${cookie}x` })).status, 401);
    const wrong = await get('/?token=%3Cscript%3E');
    assert.equal(wrong.status, 401);
    assert.match(wrong.text, /This is not the token\./);
    assert.doesNotMatch(wrong.text, /script/);
  });

  it('becomes a cookie by the form', async (test) => {
    const { post, get } = await boardOn(test, { token: TOKEN });
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
    // The form has its styles.
    assert.equal((await get('/login.css')).status, 200);
    assert.equal((await get('/theme.css')).status, 200);
    assert.equal((await post('/login', form, 'token=wrong')).status, 401);
    assert.equal((await post('/login', form, 'x=y')).status, 400);
    assert.equal(
      (await post('/login', { ...form, Origin: 'http://evil.example' }, `token=${TOKEN}`)).status,
      403,
    );
    const entered = await post('/login', form, `token=${TOKEN}`);
    assert.equal(entered.status, 303);
    assert.match(entered.headers['set-cookie']?.[0] ?? '', /; HttpOnly; SameSite=Strict$/);
  });
});

// ---- the stream

/** The events of a stream, as a page gets them. */
class Stream {
  readonly #events: { readonly event: string; readonly data: Record<string, unknown> }[] = [];
  readonly #response: http.IncomingMessage;
  #text = '';
  #wake: (() => void) | undefined;

  constructor(response: http.IncomingMessage) {
    this.#response = response;
    response.setEncoding('utf8');
    response.on('error', () => undefined);
    response.on('data', (piece: string) => {
      const parts = (this.#text + piece).split('\n\n');
      this.#text = parts.pop() ?? '';
      for (const part of parts) {
        const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(part) ?? [];
        if (event === undefined || data === undefined) continue;
        const value: unknown = JSON.parse(data);
        assert.ok(isRecord(value));
        this.#events.push({ event, data: value });
      }
      this.#wake?.();
    });
  }

  /** Returns the next event. */
  async next(): Promise<{ readonly event: string; readonly data: Record<string, unknown> }> {
    for (;;) {
      const first = this.#events.shift();
      if (first !== undefined) return first;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** Reads nothing more. */
  pause(): void {
    this.#response.pause();
  }

  async end(): Promise<void> {
    this.#response.destroy();
    await once(this.#response, 'close');
  }
}

async function follow({ bed: made }: Board): Promise<Stream> {
  const headers = { Host: `localhost:${made.port}` };
  const request = http.get({ path: '/stream', port: made.port, headers, createConnection: made.open });
  request.on('error', () => undefined);
  const arrived: readonly unknown[] = await once(request, 'response');
  const [response] = arrived;
  assert.ok(response instanceof http.IncomingMessage);
  return new Stream(response);
}

describe('the stream of a dashboard', () => {
  it('brings all figures, then those alone that have changed', async (test) => {
    const board = await boardOn(test);
    const stream = await follow(board);
    const { event, data } = await stream.next();
    assert.equal(event, 'all');
    assert.deepEqual(Object.keys(data), ['view', 'history', 'events']);
    assert.match(JSON.stringify(data['view']), /198\.51\.100\.23:51234 does not read/);
    assert.deepEqual(data['events'], board.monitor.events(0));
    const same = board.monitor.snapshot();
    board.monitor.tick({ ...same, totals: { ...same.totals, refused: 4 } });
    const delta = await stream.next();
    assert.equal(delta.event, 'delta');
    assert.deepEqual(delta.data['patch'], { totals: { refused: 4 } });
    assert.equal('events' in delta.data, false);
    await stream.end();
  });

  it('removes what is gone, and brings the events of the log once', async (test) => {
    const board = await boardOn(test);
    const stream = await follow(board);
    await stream.next();
    const text = '#37 moves again';
    board.monitor.happen({ atMs: AT, kind: 'unblock', level: 'info', text, connection: 37 });
    board.monitor.tick(exampleSnapshot({ atMs: AT, hasTrouble: false }));
    const { data } = await stream.next();
    const { patch } = data;
    assert.ok(isRecord(patch) && isRecord(patch['verdict']));
    assert.deepEqual(patch['blocked'], { order: [], rows: { 37: null } });
    assert.equal(patch['verdict']['level'], 'well');
    assert.match(JSON.stringify(data['events']), /^\[\{"id":8,.*moves again/);
    board.monitor.tick(board.monitor.snapshot());
    assert.equal('events' in (await stream.next()).data, false);
    await stream.end();
  });

  it('gives a page that comes later the figures to which the next difference belongs', async (test) => {
    const board = await boardOn(test);
    const first = await follow(board);
    await first.next();
    const before = board.monitor.snapshot();
    const later = await follow(board);
    assert.equal((await later.next()).event, 'all');
    board.monitor.tick({ ...before, totals: { ...before.totals, refused: 9 } });
    for (const stream of [first, later]) {
      assert.deepEqual((await stream.next()).data['patch'], { totals: { refused: 9 } });
      await stream.end();
    }
  });

  it('is bounded: the last 200 events, and 100 links, listeners and causes', async (test) => {
    const monitor = new ExampleMonitor({ atMs: AT });
    for (let count = 0; count < 300; count += 1)
      monitor.happen({ atMs: AT, kind: 'act', level: 'info', text: `event ${count}`, connection: null });
    const { links, listeners, errors } = monitor.snapshot();
    const many = <T>([first]: readonly T[]): T[] => Array.from({ length: 150 }, () => first).filter(isThere);
    monitor.tick({
      ...monitor.snapshot(),
      links: many(links),
      listeners: many(listeners).map((listener, at) => ({ ...listener, id: at + 1 })),
      errors: many(errors).map((error, at) => ({ ...error, cause: `cause ${at}` })),
    });
    const stream = await follow(await boardOn(test, { monitor }));
    const { view, events } = (await stream.next()).data;
    assert.ok(Array.isArray(events) && isRecord(view));
    assert.equal(events.length, 200);
    assert.match(JSON.stringify(events.at(-1)), /event 299/);
    for (const name of ['links', 'listeners', 'errors']) {
      const table: unknown = view[name];
      assert.ok(isRecord(table) && Array.isArray(table['order']) && isRecord(table['rows']));
      assert.deepEqual([table['order'].length, Object.keys(table['rows']).length], [100, 100], name);
    }
    await stream.end();
  });

  it('follows 32 pages at once; a further one is answered 503', async (test) => {
    const board = await boardOn(test);
    const streams: Stream[] = [];
    for (let count = 0; count < 32; count += 1) streams.push(await follow(board));
    const refused = await board.get('/stream');
    assert.deepEqual([refused.status, refused.headers['retry-after']], [503, '1']);
    for (const stream of streams) await stream.end();
  });

  it('cuts off a page that does not read, when 1 MiB waits for it', async (test) => {
    const board = await boardOn(test);
    const stream = await follow(board);
    await stream.next();
    stream.pause();
    let sent = 0;
    const [error] = board.monitor.snapshot().errors;
    assert.ok(error !== undefined);
    for (; board.monitor.followers > 0 && sent < 100; sent += 1) {
      const last = `${sent}`.padEnd(50_000, '.');
      board.monitor.tick({ ...board.monitor.snapshot(), errors: [{ ...error, last }] });
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(sent >= 20 && sent < 100, `${sent} deltas of 50 kB`);
  });

  it('asks the monitor only while a page follows', async (test) => {
    const board = await boardOn(test);
    assert.equal(board.monitor.followers, 0);
    const stream = await follow(board);
    await stream.next();
    assert.equal(board.monitor.followers, 1);
    const gone = new Promise<void>((resolve) => {
      board.monitor.onUnfollowed = resolve;
    });
    await stream.end();
    await gone;
    assert.equal(board.monitor.followers, 0);
    const again = await follow(board);
    assert.equal((await again.next()).event, 'all');
    await again.end();
  });
});

describe('a dashboard with a server of its own', () => {
  it('listens on 127.0.0.1, and shows the connections of this thread', async () => {
    const served = await serveDashboard({ port: 0 });
    try {
      assert.match(served.url(), /^http:\/\/127\.0\.0\.1:\d+\/$/);
      const answer = await fetch(`${served.url()}snapshot.json`);
      const snapshot: unknown = await answer.json();
      assert.match(JSON.stringify(snapshot), new RegExp(`"port":${served.server.port()},"accepting":true`));
    } finally {
      await served.end();
    }
  });

  it('does not add the limit of its own stack to that of the program', async () => {
    const monitor = new ExampleMonitor({ atMs: AT });
    const served = await serveDashboard({ port: 0, monitor });
    try {
      const { totals } = jsonOf(await answerTo(http.get(`${served.url()}snapshot.json`), undefined));
      assert.ok(isRecord(totals));
      assert.equal(totals['limit'], 1024);
    } finally {
      await served.end();
    }
  });

  it('marks its own connections, which a dashboard of a program does not', async (test) => {
    const example = new ExampleMonitor({ atMs: AT }).snapshot();
    const monitor = new ExampleMonitor({ atMs: AT });
    const served = await serveDashboard({ port: 0, monitor });
    test.after(() => served.end());
    const web = new AsyncWebServer(0, { host: '127.0.0.1' });
    dashboard(web, { monitor });
    await web.begin();
    test.after(() => web.end(0));
    for (const [port, wanted] of [
      [served.server.port(), true],
      [web.port(), false],
    ] as const) {
      const [first] = example.connections;
      assert.ok(first !== undefined);
      monitor.tick({ ...example, connections: [{ ...first, localPort: port }] });
      const answer = await answerTo(http.get(`http://127.0.0.1:${port}/connections.json`), undefined);
      const { rows } = jsonOf(answer);
      assert.equal(JSON.stringify(rows).includes('"own":true'), wanted);
    }
  });

  it('fails on a port that is taken', async () => {
    const served = await serveDashboard({ port: 0 });
    try {
      await assert.rejects(serveDashboard({ port: served.server.port() }), { code: 'EADDRINUSE' });
    } finally {
      await served.end();
    }
  });
});
