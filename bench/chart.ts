// The chart of a run's results, as SVG: CPU time of a message or request, and 99th percentile of latencies.

import { createRequire } from 'node:module';

import type { Result } from './report.js';

/** The part of the charting library that is used. Its own types are for browsers. */
interface Charts {
  init(
    dom: null,
    theme: null,
    options: { renderer: 'svg'; ssr: true; width: number; height: number },
  ): { setOption(option: object): void; renderToSVGString(): string; dispose(): void };
}

const WIDTH = 960;
const HEIGHT = 720;
const MARGIN = 60;
const PANEL_HEIGHT = 230;
const PANEL_TOPS = [110, 430] as const;

/** Colours that people with colour blindness can distinguish (Okabe and Ito). */
const COLOURS = ['#555555', '#0072b2', '#56b4e9', '#e69f00', '#cc79a7', '#009e73', '#d55e00', '#f0e442'];

interface Group {
  readonly workload: string;
  readonly label: string;
}

interface Panel {
  readonly title: string;
  readonly figure: (result: Result) => number | undefined;
  readonly digits: number;
}

interface Kind {
  readonly title: string;
  readonly groups: readonly Group[];
  /** As many as `PANEL_TOPS`. */
  readonly panels: readonly Panel[];
}

const ECHO: Kind = {
  title: 'Echo servers on 127.0.0.1',
  groups: [
    { workload: 'echo-64B-50c', label: '64 B, 50 connections' },
    { workload: 'echo-64B-500c', label: '64 B, 500 connections' },
    { workload: 'echo-16KiB-50c', label: '16 KiB, 50 connections' },
  ],
  panels: [
    {
      title: 'CPU time of the server, µs for each message (less is better)',
      figure: ({ summary }) => summary.cpuUs,
      digits: 1,
    },
    {
      title: '99th percentile of the latency, µs (less is better)',
      figure: ({ summary }) => summary.p99Us,
      digits: 0,
    },
  ],
};

/** The programs of the web, by the names that people know them by. */
export const WEB_GROUPS: readonly Group[] = [
  { workload: 'http-50c', label: 'http' },
  { workload: 'https-50c', label: 'https' },
  { workload: 'fastify-50c', label: 'Fastify' },
  { workload: 'express-50c', label: 'Express' },
  { workload: 'hono-50c', label: 'Hono' },
  { workload: 'ws-50c', label: 'ws echo' },
  { workload: 'agent-50c', label: 'http.Agent' },
  { workload: 'undici-50c', label: 'undici' },
  { workload: 'fetch-50c', label: 'fetch' },
  { workload: 'ioredis-50c', label: 'ioredis' },
];

/** The reference has no ratios to itself. */
const WEB: Kind = {
  title: 'Programs for node:net, 50 connections, one core; the reference is plain Node',
  groups: WEB_GROUPS,
  panels: [
    {
      title: 'Requests for the same CPU time, plain Node = 1 (more is better)',
      figure: ({ ratios }) => (ratios === undefined ? 1 : 1 / ratios.cpu),
      digits: 1,
    },
    {
      title: '99th percentile of the latency, plain Node = 1 (less is better)',
      figure: ({ ratios }) => (ratios === undefined ? 1 : ratios.p99),
      digits: 1,
    },
  ],
};

const KINDS = [ECHO, WEB];

function seriesOf(kind: Kind, results: readonly Result[], contestants: readonly string[]): object[] {
  const groups = shownGroups(kind, results);
  return kind.panels.flatMap(({ figure, digits }, panel) =>
    contestants.map((contestant) => ({
      name: contestant,
      type: 'bar',
      xAxisIndex: panel,
      yAxisIndex: panel,
      barGap: '8%',
      label: {
        show: true,
        position: 'top',
        fontSize: 10,
        color: '#222222',
        formatter: ({ value }: { value: unknown }) =>
          typeof value === 'number' ? value.toFixed(digits) : '',
      },
      data: groups.map(({ workload }) => {
        const result = results.find((one) => one.workload === workload && one.contestant === contestant);
        return (result === undefined ? undefined : figure(result)) ?? null;
      }),
    })),
  );
}

function shownGroups({ groups }: Kind, results: readonly Result[]): Group[] {
  return groups.filter((group) => results.some(({ workload }) => workload === group.workload));
}

const text = (words: string, top: number, fontSize: number, fontWeight: 'bold' | 'normal'): object => ({
  text: words,
  left: MARGIN / 2,
  top,
  textStyle: { fontSize, fontWeight, color: '#222222' },
});

function optionOf(kind: Kind, results: readonly Result[], subtitle: string): object {
  const contestants = [...new Set(results.map(({ contestant }) => contestant))];
  const labels = shownGroups(kind, results).map(({ label }) => label);
  return {
    animation: false,
    backgroundColor: '#ffffff',
    color: COLOURS,
    title: [
      text(kind.title, 12, 18, 'bold'),
      text(subtitle, 38, 11, 'normal'),
      ...kind.panels.map((panel, index) => text(panel.title, (PANEL_TOPS[index] ?? 0) - 34, 13, 'bold')),
    ],
    legend: { bottom: 10, itemGap: 24, data: contestants, textStyle: { color: '#222222' } },
    grid: PANEL_TOPS.map((top) => ({ top, height: PANEL_HEIGHT, left: MARGIN, right: MARGIN / 2 })),
    xAxis: kind.panels.map((_, gridIndex) => ({
      gridIndex,
      type: 'category',
      data: labels,
      axisLabel: { color: '#222222', fontSize: 12 },
      axisTick: { show: false },
    })),
    yAxis: kind.panels.map((_, gridIndex) => ({
      gridIndex,
      type: 'value',
      axisLabel: { color: '#555555' },
      splitLine: { lineStyle: { color: '#e5e5e5' } },
    })),
    series: seriesOf(kind, results, contestants),
  };
}

/** Returns the SVG; `undefined` if nothing that a chart shows was measured. */
export function chartOf(results: readonly Result[], subtitle: string): string | undefined {
  const kind = KINDS.find((one) => shownGroups(one, results).length > 0);
  if (kind === undefined) return undefined;
  const shown = results.filter(({ workload }) => kind.groups.some((group) => group.workload === workload));
  const charts = createRequire(import.meta.url)('echarts') as Charts;
  const chart = charts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  chart.setOption(optionOf(kind, shown, subtitle));
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}
