// The chart of a run's results, as SVG: CPU time per message, and the 99th percentile of the latency.

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

const GROUPS = [
  { workload: 'echo-64B-50c', label: '64 B, 50 connections' },
  { workload: 'echo-64B-500c', label: '64 B, 500 connections' },
  { workload: 'echo-16KiB-50c', label: '16 KiB, 50 connections' },
] as const;

const WIDTH = 960;
const HEIGHT = 720;
const MARGIN = 60;
const PANEL_HEIGHT = 230;
const PANEL_TOPS = [110, 430] as const;

/** Colours that people with colour blindness can distinguish (Okabe and Ito). */
const COLOURS = ['#555555', '#0072b2', '#56b4e9', '#e69f00', '#cc79a7', '#009e73', '#d55e00', '#f0e442'];

type Figure = (result: Result) => number | undefined;

const PANELS: readonly { title: string; figure: Figure; digits: number }[] = [
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
];

function seriesOf(results: readonly Result[], contestants: readonly string[]): object[] {
  const groups = shownGroups(results);
  return PANELS.flatMap(({ figure, digits }, panel) =>
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

function shownGroups(results: readonly Result[]): (typeof GROUPS)[number][] {
  return GROUPS.filter((group) => results.some(({ workload }) => workload === group.workload));
}

const text = (words: string, top: number, fontSize: number, fontWeight: 'bold' | 'normal'): object => ({
  text: words,
  left: MARGIN / 2,
  top,
  textStyle: { fontSize, fontWeight, color: '#222222' },
});

function optionOf(results: readonly Result[], title: string, subtitle: string): object {
  const contestants = [...new Set(results.map(({ contestant }) => contestant))];
  const labels = shownGroups(results).map(({ label }) => label);
  return {
    animation: false,
    backgroundColor: '#ffffff',
    color: COLOURS,
    title: [
      text(title, 12, 18, 'bold'),
      text(subtitle, 38, 11, 'normal'),
      ...PANELS.map((panel, index) => text(panel.title, (PANEL_TOPS[index] ?? 0) - 34, 13, 'bold')),
    ],
    legend: { bottom: 10, itemGap: 24, data: contestants, textStyle: { color: '#222222' } },
    grid: PANEL_TOPS.map((top) => ({ top, height: PANEL_HEIGHT, left: MARGIN, right: MARGIN / 2 })),
    xAxis: PANELS.map((_, gridIndex) => ({
      gridIndex,
      type: 'category',
      data: labels,
      axisLabel: { color: '#222222', fontSize: 12 },
      axisTick: { show: false },
    })),
    yAxis: PANELS.map((_, gridIndex) => ({
      gridIndex,
      type: 'value',
      axisLabel: { color: '#555555' },
      splitLine: { lineStyle: { color: '#e5e5e5' } },
    })),
    series: seriesOf(results, contestants),
  };
}

/** Returns the SVG; `undefined` if nothing that the chart shows was measured. */
export function chartOf(results: readonly Result[], title: string, subtitle: string): string | undefined {
  const shown = results.filter(({ workload }) => GROUPS.some((group) => group.workload === workload));
  if (shown.length === 0) return undefined;
  const charts = createRequire(import.meta.url)('echarts') as Charts;
  const chart = charts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height: HEIGHT });
  chart.setOption(optionOf(shown, title, subtitle));
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${svg}\n`;
}
