/** The figures for Prometheus: as its own checker reads them, and by its rules for names. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { describe, it, type TestContext } from 'node:test';
import type { Snapshot } from 'asynctcp/monitor';
import { dashboard, serveDashboard } from 'asynctcp-web/dashboard';
import { answerTo, bed, type Answer } from '../bed.js';
import { unlessInstalled } from '../programs.js';
import { ExampleMonitor, stuckConnection } from './example-monitor.js';

const AT = 1_700_000_000_000;

/** Returns the answer of `/metrics` for a monitor. */
async function metricsOf(test: TestContext, monitor: ExampleMonitor, times = 1): Promise<Answer> {
  const { ask, port } = await bed(test, 'memory', (server) => {
    dashboard(server, { monitor });
  });
  const once = (): Promise<Answer> => ask('/metrics', { headers: { Host: `localhost:${port}` } });
  for (let earlier = 1; earlier < times; earlier += 1) await once();
  return once();
}

/** Returns the values of a metric, by its labels. */
function valuesOf(text: string, name: string): Record<string, number> {
  const series = [...text.matchAll(new RegExp(`^${name}(\\{.*\\})? (\\S+)$`, 'gm'))];
  return Object.fromEntries(series.map(([, labels = '', value]) => [labels, Number(value)]));
}

function withSnapshot(more: Partial<Snapshot>): ExampleMonitor {
  const monitor = new ExampleMonitor({ atMs: AT });
  monitor.tick({ ...monitor.snapshot(), ...more });
  return monitor;
}

describe('the metrics of a dashboard', () => {
  const skip = unlessInstalled('promtool');
  for (const hasTrouble of [true, false]) {
    it(`pass promtool, with ${hasTrouble ? '' : 'no '}errors, links and bites`, { skip }, async (test) => {
      const { text } = await metricsOf(test, new ExampleMonitor({ atMs: AT, hasTrouble }));
      const checked = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
      assert.deepEqual([checked.stdout, checked.stderr, checked.status], ['', '', 0]);
    });
  }

  it('have the names that Prometheus wants: prefix, base units, _total for counters alone, HELP and TYPE', async (test) => {
    const { text, headers } = await metricsOf(test, new ExampleMonitor({ atMs: AT }));
    assert.match(headers['content-type'] ?? '', /^text\/plain; version=0\.0\.4; charset=utf-8$/);
    const types = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type]) => [name, type]);
    assert.ok(types.length > 25);
    for (const [name = '', type] of types) {
      assert.match(name, /^asynctcp_[a-z_]+$/);
      assert.doesNotMatch(name, /_(ms|millis|kb|words|minutes)(_|$)/);
      assert.equal(name.endsWith('_total'), type === 'counter', name);
      assert.match(text, new RegExp(`^# HELP ${name} [A-Z1].*\\.$`, 'm'));
    }
  });

  it('count a page that does not read as no blocked connection of the program', async (test) => {
    const monitor = new ExampleMonitor({ atMs: AT });
    const served = await serveDashboard({ port: 0, monitor });
    test.after(() => served.end());
    const stuck = stuckConnection(1, AT, 60_000);
    const connections = [stuck, { ...stuck, id: 2, localPort: served.server.port() }];
    monitor.tick({ ...monitor.snapshot(), connections });
    const { text } = await answerTo(http.get(`${served.url()}metrics`), undefined);
    assert.equal(valuesOf(text, 'asynctcp_connections_blocked')['{reason="peer does not read"}'], 1);
  });

  it('say that a link is down even if another one of its name is up', async (test) => {
    const { links } = new ExampleMonitor({ atMs: AT }).snapshot();
    const [link] = links;
    assert.ok(link !== undefined);
    const two = (state: 'up' | 'waiting'): ExampleMonitor =>
      withSnapshot({
        links: [
          { ...link, state: 'up' },
          { ...link, state },
        ],
      });
    const up = (await metricsOf(test, two('up'))).text;
    const down = (await metricsOf(test, two('waiting'))).text;
    const label = `{link="${link.name}"}`;
    assert.deepEqual(valuesOf(up, 'asynctcp_link_up'), { [label]: 1 });
    assert.deepEqual(valuesOf(down, 'asynctcp_link_up'), { [label]: 0 });
    assert.deepEqual(valuesOf(up, 'asynctcp_link_attempts_total'), { [label]: 2 * link.attempts });
  });

  it('are all in docs/dashboard.md, and no other is', async (test) => {
    const { text } = await metricsOf(test, new ExampleMonitor({ atMs: AT }));
    const page = readFileSync(new URL('../../../../docs/dashboard.md', import.meta.url), 'utf8');
    const known = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name = '']) => name);
    const named = [...page.matchAll(/asynctcp_[a-z_]+/g)].map(([name]) => name);
    assert.deepEqual([...new Set(named)].sort(), known.sort());
  });

  it('are the figures of the monitor, however often they are asked for', async (test) => {
    const monitor = new ExampleMonitor({ atMs: AT });
    const { text } = await metricsOf(test, monitor, 3);
    const { totals, connections } = monitor.snapshot();
    assert.deepEqual(valuesOf(text, 'asynctcp_connections'), { '': connections.length });
    assert.deepEqual(valuesOf(text, 'asynctcp_received_bytes_total'), { '': totals.bytesIn });
    assert.deepEqual(valuesOf(text, 'asynctcp_errors_total'), {
      '{cause="ERR_RST"}': 18,
      '{cause="exception"}': 3,
    });
    assert.deepEqual(valuesOf(text, 'asynctcp_link_up'), { '{link="broker"}': 1, '{link="boiler"}': 0 });
    assert.deepEqual(valuesOf(text, 'asynctcp_connections_blocked'), {
      '{reason="peer does not read"}': 1,
      '{reason="peer does not answer"}': 0,
      '{reason="peer takes nothing"}': 0,
      '{reason="program does not read"}': 0,
    });
    assert.deepEqual(valuesOf(text, 'asynctcp_callback_longest_seconds')['{handler="onData"}'], 5.214);
    assert.deepEqual(valuesOf(text, 'asynctcp_task_stack_bytes'), { '': 984_000 });
  });

  it('have no series for what is not known', async (test) => {
    const monitor = new ExampleMonitor({ atMs: AT });
    const { totals, task } = monitor.snapshot();
    const unknown = withSnapshot({
      totals: { ...totals, limit: null },
      task: { ...task, stackWords: null, stackHighWaterMark: null },
    });
    const { text } = await metricsOf(test, unknown, 2);
    assert.deepEqual(valuesOf(text, 'asynctcp_connections_limit'), {});
    assert.deepEqual(valuesOf(text, 'asynctcp_task_stack_bytes'), {});
  });

  it('forget a link that is gone', async (test) => {
    const monitor = new ExampleMonitor({ atMs: AT });
    const { ask, port } = await bed(test, 'memory', (server) => {
      dashboard(server, { monitor });
    });
    const read = async (): Promise<string> =>
      (await ask('/metrics', { headers: { Host: `localhost:${port}` } })).text;
    assert.equal(Object.keys(valuesOf(await read(), 'asynctcp_link_up')).length, 2);
    monitor.tick({ ...monitor.snapshot(), links: [] });
    assert.deepEqual(valuesOf(await read(), 'asynctcp_link_up'), {});
  });

  it('have at most 100 series each, and count those that are left out', async (test) => {
    const { links } = new ExampleMonitor({ atMs: AT }).snapshot();
    const [link] = links;
    assert.ok(link !== undefined);
    const many = (count: number): ExampleMonitor =>
      withSnapshot({ links: Array.from({ length: count }, (_, at) => ({ ...link, name: `link ${at}` })) });
    const atLimit = (await metricsOf(test, many(100))).text;
    assert.equal(Object.keys(valuesOf(atLimit, 'asynctcp_link_up')).length, 100);
    assert.deepEqual(valuesOf(atLimit, 'asynctcp_metric_series_omitted'), { '': 0 });
    const past = (await metricsOf(test, many(101))).text;
    assert.equal(Object.keys(valuesOf(past, 'asynctcp_link_up')).length, 100);
    // Each of the three metrics of links leaves one out.
    assert.deepEqual(valuesOf(past, 'asynctcp_metric_series_omitted'), { '': 3 });
  });

  it('add up two links of one name, and carry names with quotes and line breaks', async (test) => {
    const { links } = new ExampleMonitor({ atMs: AT }).snapshot();
    const [link] = links;
    assert.ok(link !== undefined);
    const name = 'a "name"\nwith \\';
    const { text } = await metricsOf(test, withSnapshot({ links: [link, link, { ...link, name }] }));
    assert.deepEqual(valuesOf(text, 'asynctcp_link_attempts_total'), {
      '{link="broker"}': 6,
      '{link="a \\"name\\"\\nwith \\\\"}': 3,
    });
  });
});
