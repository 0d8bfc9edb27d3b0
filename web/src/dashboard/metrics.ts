/**
 * The figures for Prometheus, by prom-client: names by its conventions (base units, `_total` for what only
 * grows), and labels whose values are bounded. They are read from the monitor when they are asked for.
 */
import type { Blockage, Snapshot } from 'asynctcp/monitor';
import { Counter, Gauge, Registry } from 'prom-client';
import { METRIC_SERIES } from './bounds.js';
import { blockedOf } from './selection.js';

type Labels = Readonly<Record<string, string>>;
type Series = readonly (readonly [labels: Labels, value: number | null | undefined])[];

interface Metric {
  readonly kind: 'counter' | 'gauge';
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** @param ownPort port of a server that has nothing but the dashboard; 0 for another one. */
  readonly read: (snapshot: Snapshot, ownPort: number) => Series;
}

const BLOCKAGES: readonly Blockage[] = [
  'peer does not read',
  'peer does not answer',
  'peer takes nothing',
  'program does not read',
];
const WORD_BYTES = 4;

function one(value: number | null): Series {
  return [[{}, value]];
}

function plain(
  kind: Metric['kind'],
  name: string,
  help: string,
  read: (snapshot: Snapshot) => number | null,
): Metric {
  return { kind, name, help, labels: [], read: (snapshot) => one(read(snapshot)) };
}

const TOTALS: readonly Metric[] = [
  plain('gauge', 'connections', 'Connections at present.', ({ totals }) => totals.connections),
  plain('gauge', 'connections_peak', 'Most connections at once.', ({ totals }) => totals.mostConnections),
  plain('gauge', 'connections_limit', 'Connections that are allowed at once.', ({ totals }) => totals.limit),
  plain('counter', 'connections_accepted_total', 'Connections accepted.', ({ totals }) => totals.accepted),
  plain(
    'counter',
    'connections_opened_total',
    'Connections opened to peers.',
    ({ totals }) => totals.connected,
  ),
  plain('counter', 'connections_closed_total', 'Connections that are over.', ({ totals }) => totals.closed),
  plain('counter', 'connections_refused_total', 'Connections refused.', ({ totals }) => totals.refused),
  plain('counter', 'received_bytes_total', 'Bytes received.', ({ totals }) => totals.bytesIn),
  plain('counter', 'sent_bytes_total', 'Bytes sent.', ({ totals }) => totals.bytesOut),
  plain(
    'gauge',
    'unacknowledged_bytes',
    'Bytes sent and not acknowledged, of all connections.',
    ({ totals }) => totals.unacknowledged,
  ),
  plain(
    'gauge',
    'send_budget_bytes',
    'Bytes that may wait to be acknowledged, of all connections.',
    ({ totals }) => totals.sendBudget,
  ),
  plain(
    'gauge',
    'monitor_start_time_seconds',
    'Time at which the counts began, in seconds since 1970.',
    ({ sinceAtMs }) => sinceAtMs / 1000,
  ),
];

const ROWS: readonly Metric[] = [
  {
    kind: 'counter',
    name: 'errors_total',
    help: 'Errors, by their cause.',
    labels: ['cause'],
    read: ({ errors }) => errors.map(({ cause, count }) => [{ cause }, count]),
  },
  {
    kind: 'gauge',
    name: 'connections_blocked',
    help: 'Connections on which bytes do not move, by the reason.',
    labels: ['reason'],
    read: ({ connections }, ownPort) => {
      const stuck = blockedOf(connections, ownPort);
      return BLOCKAGES.map((reason) => [
        { reason },
        stuck.filter(({ blocked }) => blocked === reason).length,
      ]);
    },
  },
  listenerMetric('gauge', 'listener_accepting', '1 if the listener accepts connections, else 0.', (figures) =>
    Number(figures.accepting),
  ),
  listenerMetric(
    'gauge',
    'listener_connections',
    'Connections of the listener.',
    (figures) => figures.clients,
  ),
  listenerMetric(
    'counter',
    'listener_connections_accepted_total',
    'Connections that the listener accepted.',
    (figures) => figures.accepted,
  ),
  listenerMetric(
    'counter',
    'listener_connections_refused_total',
    'Connections that the listener refused.',
    (figures) => figures.refused,
  ),
  {
    kind: 'gauge',
    name: 'link_up',
    help: '1 if the link is connected, or all links of this name; else 0.',
    labels: ['link'],
    read: ({ links }) => {
      const down = new Set(links.filter(({ state }) => state !== 'up').map(({ name }) => name));
      return [...new Set(links.map(({ name }) => name))].map((link) => [{ link }, Number(!down.has(link))]);
    },
  },
  linkMetric('counter', 'link_attempts_total', 'Attempts of the link to connect.', (link) => link.attempts),
  linkMetric('counter', 'link_losses_total', 'Times that the link was lost.', (link) => link.losses),
];

const TASK: readonly Metric[] = [
  plain('gauge', 'task_core', 'Core on which the task runs; -1 for any.', ({ task }) => task.core),
  plain('gauge', 'task_priority', 'Priority of the task, 0 to 24.', ({ task }) => task.priority),
  plain('gauge', 'task_stack_bytes', 'Stack of the task.', ({ task }) => bytesOf(task.stackWords)),
  plain('gauge', 'task_stack_unused_bytes', 'Stack that was never used.', ({ task }) =>
    bytesOf(task.stackHighWaterMark),
  ),
  callbackMetric('counter', 'callbacks_total', 'Calls of the handler.', ({ count }) => count),
  callbackMetric('counter', 'callbacks_slow_total', 'Calls that took too long.', ({ slow }) => slow),
  callbackMetric(
    'gauge',
    'callback_longest_seconds',
    'Longest call of the handler.',
    ({ longestMs }) => longestMs / 1000,
  ),
];

function bytesOf(words: number | null): number | null {
  return words === null ? null : words * WORD_BYTES;
}

function listenerMetric(
  kind: Metric['kind'],
  name: string,
  help: string,
  read: (listener: Snapshot['listeners'][number]) => number,
): Metric {
  const labels = ['listener', 'stack', 'address', 'port'];
  return {
    kind,
    name,
    help,
    labels,
    read: ({ listeners }) =>
      listeners.map((figures) => {
        const { id, stack, address, port } = figures;
        return [{ listener: String(id), stack, address, port: String(port) }, read(figures)];
      }),
  };
}

function linkMetric(
  kind: Metric['kind'],
  name: string,
  help: string,
  read: (link: Snapshot['links'][number]) => number,
): Metric {
  return {
    kind,
    name,
    help,
    labels: ['link'],
    read: ({ links }) => links.map((link) => [{ link: link.name }, read(link)]),
  };
}

function callbackMetric(
  kind: Metric['kind'],
  name: string,
  help: string,
  read: (callback: Snapshot['task']['callbacks'][number]) => number,
): Metric {
  return {
    kind,
    name,
    help,
    labels: ['handler'],
    read: ({ task }) => task.callbacks.map((callback) => [{ handler: callback.name }, read(callback)]),
  };
}

/** Returns a registry whose metrics are read by `look`, once for each time that it is asked. */
export class Metrics {
  readonly registry = new Registry();
  readonly #look: () => Snapshot;
  readonly #ownPort: () => number;
  readonly #omitted: Gauge;
  readonly #fill: (snapshot: Snapshot) => void;

  /** @param ownPort returns the port of a server that has nothing but the dashboard; 0 for another one. */
  constructor(look: () => Snapshot, ownPort: () => number) {
    this.#look = look;
    this.#ownPort = ownPort;
    this.#omitted = new Gauge({
      name: 'asynctcp_metric_series_omitted',
      help: `Series that are left out, because a metric has at most ${METRIC_SERIES}.`,
      registers: [this.registry],
    });
    const fills = [...TOTALS, ...ROWS, ...TASK].map((metric) => this.#register(metric));
    this.#fill = (snapshot) => {
      const omitted = fills.reduce((sum, fill) => sum + fill(snapshot), 0);
      this.#omitted.set(omitted);
    };
  }

  /** Returns the text, and its type. */
  async text(): Promise<{ readonly contentType: string; readonly text: string }> {
    this.#fill(this.#look());
    return { contentType: this.registry.contentType, text: await this.registry.metrics() };
  }

  /** Returns a function that reads a metric's series, and returns the number of those that are left out. */
  #register({ kind, name, help, labels, read }: Metric): (snapshot: Snapshot) => number {
    const settings = { name: `asynctcp_${name}`, help, labelNames: labels, registers: [this.registry] };
    const metric = kind === 'counter' ? new Counter(settings) : new Gauge(settings);
    return (snapshot) => {
      const series = read(snapshot, this.#ownPort()).filter(
        ([, value]) => value !== null && value !== undefined,
      );
      metric.reset();
      // prom-client shows 0 for a metric without labels that was reset; one that is not known has no series.
      if (series.length === 0 && labels.length === 0) metric.remove({});
      for (const [values, value] of series.slice(0, METRIC_SERIES)) metric.inc(values, value ?? 0);
      return Math.max(0, series.length - METRIC_SERIES);
    };
  }
}
