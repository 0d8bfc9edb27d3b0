/** The charts of the last 15 minutes, by uPlot. The events of the log are marked on each. */
import uPlot from './uplot.js';
import { byId, make, setAttribute, setText } from './dom.js';
import { KINDS } from './log.js';
import * as text from './text.js';

const WINDOW_S = 900;
/** Seconds that the charts show at least, while the program is young. */
const LEAST_WINDOW_S = 120;
const HEIGHT = 168;
/** Seconds around the cursor whose events the note names. */
const NEAR_S = 2;
const SYNC = uPlot.sync('asynctcp');

/** Steps of an axis of counts. */
const WHOLE = [1, 2, 5]
  .flatMap((digit) => [0, 1, 2, 3, 4, 5, 6].map((power) => digit * 10 ** power))
  .sort((a, b) => a - b);

/** Steps of the axis of the time, in seconds: its labels have no seconds. */
const MINUTES = [60, 120, 300, 600, 900];

/** Line styles, so that no line is known by its colour alone. */
const DASHES = [undefined, [6, 4], [2, 3]];

const CHARTS = [
  {
    title: 'Accepted (up) and closed (down) a second',
    series: [
      ['accepts', 'accepted'],
      ['closes', 'closed'],
      ['refused', 'refused'],
    ],
    down: 'closes',
    value: text.count,
  },
  {
    title: 'Bytes a second',
    series: [
      ['bytesIn', 'in'],
      ['bytesOut', 'out'],
    ],
    value: text.bytes,
  },
  {
    title: 'Connections',
    series: [
      ['connections', 'open'],
      ['blocked', 'blocked'],
    ],
    value: text.count,
  },
  {
    title: 'Round trip, median',
    series: [['roundTripMs', 'round trip']],
    value: text.millis,
  },
  {
    title: 'Segments sent again a second',
    series: [['retransmissions', 'sent again']],
    value: text.count,
  },
  {
    title: 'Errors a second',
    series: [['errors', 'errors']],
    value: text.count,
  },
];

/** Columns of the history, each a second a place. */
let columns;
let events = [];
let pointed;
let plots = [];

const NAMES = [
  'atMs',
  'connections',
  'accepts',
  'closes',
  'refused',
  'errors',
  'bytesIn',
  'bytesOut',
  'blocked',
  'roundTripMs',
  'retransmissions',
];

/** Takes the whole history. */
export function setHistory(history) {
  columns = Object.fromEntries(NAMES.map((name) => [name, [...(history[name] ?? [])]]));
}

/** Takes a second. */
export function addSecond(second) {
  if (columns === undefined) return;
  for (const name of NAMES) {
    columns[name].push(second[name] ?? null);
    if (columns[name].length > WINDOW_S) columns[name].shift();
  }
}

export function setEvents(list) {
  events = list;
}

/** Marks an event, or none. */
export function pointAt(event) {
  pointed = event;
  for (const { plot } of plots) plot.redraw(false);
}

function style(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function dataOf({ series, down }) {
  const lines = series.map(([name]) =>
    name === down ? columns[name].map((value) => -value) : columns[name],
  );
  return [columns.atMs.map((atMs) => atMs / 1000), ...lines];
}

/** Returns the range of a chart's values: 0 is in it, and stands in the middle if a line goes down. */
function rangeOf({ down, value }, from, to) {
  const least = value === text.millis ? 0.1 : 1;
  const most = Math.max(to ?? 0, least, down === undefined ? 0 : -(from ?? 0)) * 1.1;
  return [down === undefined ? 0 : -most, most];
}

/** Draws the marks of the events: a line, and a sign at its head. */
function drawMarks(plot) {
  const { ctx, bbox } = plot;
  const ratio = uPlot.pxRatio;
  const [from, to] = [plot.scales.x.min, plot.scales.x.max];
  ctx.save();
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  ctx.textAlign = 'center';
  ctx.setLineDash([]);
  let lastX = -Infinity;
  for (const event of events) {
    const at = event.atMs / 1000;
    if (at < from || at > to || (event.level === 'info' && event !== pointed)) continue;
    const x = Math.round(plot.valToPos(at, 'x', true));
    ctx.strokeStyle = ctx.fillStyle = style(
      event === pointed ? '--text' : event.level === 'error' ? '--failed' : '--strained',
    );
    ctx.globalAlpha = event === pointed ? 1 : 0.55;
    ctx.lineWidth = (event === pointed ? 2 : 1) * ratio;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    // Signs that would cover one another are left out; the lines are all there.
    if (x - lastX < 10 * ratio && event !== pointed) continue;
    lastX = x;
    ctx.globalAlpha = 1;
    ctx.fillText(KINDS[event.kind]?.mark ?? '·', x, bbox.top - 3 * ratio);
  }
  ctx.restore();
}

function axis(extra) {
  return {
    stroke: style('--quiet'),
    grid: { stroke: style('--grid'), width: 1 },
    ticks: { show: false },
    font: '11px system-ui, sans-serif',
    ...extra,
  };
}

function optionsOf(chart, width) {
  const colours = [style('--line-1'), style('--line-2'), style('--line-3')];
  return {
    width,
    height: HEIGHT,
    padding: [16, 22, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: SYNC.key, setSeries: false }, drag: { x: false, y: false }, points: { size: 6 } },
    scales: {
      x: {
        range: () => {
          const last = (columns.atMs.at(-1) ?? Date.now()) / 1000;
          const first = (columns.atMs[0] ?? 0) / 1000;
          return [Math.max(last - WINDOW_S, Math.min(first, last - LEAST_WINDOW_S)), last];
        },
      },
      y: { range: (_, from, to) => rangeOf(chart, from, to) },
    },
    axes: [
      axis({
        size: 24,
        space: 70,
        incrs: MINUTES,
        values: (_, ticks) => ticks.map((at) => text.time(at * 1000).slice(0, 5)),
      }),
      axis({
        size: 62,
        space: 34,
        ...(chart.value === text.count ? { incrs: WHOLE } : {}),
        values: (_, ticks) => ticks.map((tick) => chart.value(Math.abs(tick))),
      }),
    ],
    series: [
      {},
      ...chart.series.map(([, label], at) => ({
        label,
        stroke: colours[at],
        width: 1.6,
        dash: DASHES[at],
        fill: at === 0 ? style('--fill-1') : undefined,
        points: { show: false },
        spanGaps: false,
      })),
    ],
    hooks: { draw: [drawMarks], setCursor: [noteCursor] },
  };
}

/** Writes the figures of the second under the cursor, and its events. */
function noteCursor(plot) {
  const index = plot.cursor.idx;
  const note = byId('chart-note');
  if (index === null || index === undefined || columns.atMs[index] === undefined) {
    setText(note, '');
    return;
  }
  const atMs = columns.atMs[index];
  const near = events
    .filter((event) => Math.abs(event.atMs - atMs) <= NEAR_S * 1000)
    .map((event) => event.text);
  const figures = CHARTS.flatMap((chart) =>
    chart.series.map(([name, label]) => `${label} ${chart.value(columns[name][index])}`),
  );
  setText(note, [`${text.time(atMs)}: ${figures.join(', ')}`, ...near].join(' · '));
}

/** Makes the charts, and makes them anew when the colours change. */
export function makeCharts() {
  const parent = byId('charts');
  for (const { plot } of plots) plot.destroy();
  parent.replaceChildren();
  plots = CHARTS.map((chart) => {
    const legend = make('p', { class: 'legend' });
    chart.series.forEach(([, label], at) => {
      legend.append(
        make('span', { class: `line line-${at + 1}` }),
        make('span', {}, label),
        make('b', {}, ''),
      );
    });
    const area = make('div', { class: 'area', tabindex: '0', role: 'img' });
    parent.append(make('figure', {}, make('figcaption', {}, chart.title), legend, area));
    const width = Math.max(240, area.clientWidth);
    const plot = new uPlot(optionsOf(chart, width), dataOf(chart), area);
    area.addEventListener('keydown', (event) => moveCursor(plot, event));
    area.addEventListener('pointermove', () => byId('chart-note').setAttribute('aria-live', 'off'));
    return { chart, plot, area, legend };
  });
  fit();
}

function moveCursor(plot, event) {
  const steps = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (steps === undefined) return;
  event.preventDefault();
  // A screen reader says the figures that the keys ask for, and not those under the pointer.
  byId('chart-note').setAttribute('aria-live', 'polite');
  const last = columns.atMs.length - 1;
  const from = plot.cursor.idx ?? last;
  const index = Math.min(last, Math.max(0, from + steps * (event.shiftKey ? 30 : 1)));
  plot.setCursor({ left: plot.valToPos(columns.atMs[index] / 1000, 'x'), top: plot.over.clientHeight / 2 });
}

function fit() {
  for (const { plot, area } of plots) {
    const width = area.clientWidth;
    if (width > 0 && width !== plot.width) plot.setSize({ width, height: HEIGHT });
  }
}

/** Draws the charts with the present data. */
export function drawCharts() {
  if (columns === undefined) return;
  if (plots.length === 0) makeCharts();
  for (const { chart, plot, area, legend } of plots) {
    plot.setData(dataOf(chart));
    const values = legend.querySelectorAll('b');
    const words = chart.series.map(([name, label], at) => {
      const now = chart.value(columns[name].at(-1));
      setText(values[at], now);
      const known = columns[name].filter((value) => value !== null);
      const most = known.length === 0 ? text.UNKNOWN : chart.value(Math.max(...known));
      return `${label} now ${now}, most ${most}`;
    });
    setAttribute(area, 'aria-label', `${chart.title}: ${words.join('; ')}`);
  }
}

export function listenToCharts() {
  const legend = byId('mark-legend');
  const shown = ['error', 'block', 'link', 'refuse', 'bite', 'warning'];
  setText(legend, shown.map((kind) => `${KINDS[kind].mark} ${KINDS[kind].word}`).join(', '));
  new ResizeObserver(fit).observe(byId('charts'));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    if (plots.length > 0) makeCharts();
  });
}
