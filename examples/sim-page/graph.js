/** Figures over the whole time since the start. */
import { begin, line, theme } from './drawing.js';

/** Places of the time for which a figure is kept; when they are full, every second one is given up. */
const MOST_SAMPLES = 800;
const LEFT = 58;
const BOTTOM = 20;

export class History {
  samples = [];
  #stepMs = 1;

  add(sample) {
    const { samples } = this;
    const last = samples.at(-1);
    if (last !== undefined && sample.atMs - last.atMs < this.#stepMs) return;
    samples.push(sample);
    if (samples.length <= MOST_SAMPLES) return;
    this.samples = samples.filter((_, index) => index % 2 === 0);
    this.#stepMs *= 2;
  }
}

/** Draws figures of the samples, by name. The first one is filled. */
export function drawGraph(canvas, samples, series) {
  const { pen, width, height } = begin(canvas);
  const colours = theme();
  const endMs = Math.max(500, samples.at(-1)?.atMs ?? 0);
  const values = samples.flatMap((sample) => series.map(({ name }) => sample[name]));
  const top = niceTop(Math.max(5000, ...values));
  const xOf = (ms) => LEFT + (ms / endMs) * (width - LEFT - 8);
  const yOf = (value) => height - BOTTOM - (value / top) * (height - BOTTOM - 10);
  pen.textAlign = 'right';
  for (const part of [0, 0.5, 1]) {
    pen.strokeStyle = colours.grid;
    line(pen, LEFT, yOf(part * top), width - 8, yOf(part * top));
    pen.fillStyle = colours.quiet;
    pen.fillText(bytes(part * top), LEFT - 8, yOf(part * top));
  }
  for (const part of [0, 0.5, 1]) {
    pen.textAlign = part === 0 ? 'left' : part === 1 ? 'right' : 'center';
    pen.fillText(`${+((part * endMs) / 1000).toFixed(2)} s`, xOf(part * endMs), height - 8);
  }
  for (const [index, { name, colour }] of series.entries()) {
    drawLine(pen, samples, name, { xOf, yOf, colour: colours[colour], isFilled: index === 0 });
  }
}

function drawLine(pen, samples, name, { xOf, yOf, colour, isFilled }) {
  if (samples.length === 0) return;
  pen.beginPath();
  for (const [index, sample] of samples.entries()) {
    const x = xOf(sample.atMs);
    // A figure keeps its value until the next sample.
    if (index > 0) pen.lineTo(x, yOf(samples[index - 1][name]));
    pen.lineTo(x, yOf(sample[name]));
  }
  pen.strokeStyle = colour;
  pen.lineWidth = isFilled ? 2.5 : 1.5;
  // No line is known by its colour alone.
  pen.setLineDash(isFilled ? [] : [4, 3]);
  pen.stroke();
  pen.setLineDash([]);
  pen.lineWidth = 1;
  if (!isFilled) return;
  pen.lineTo(xOf(samples.at(-1).atMs), yOf(0));
  pen.lineTo(xOf(samples[0].atMs), yOf(0));
  pen.fillStyle = colour;
  pen.globalAlpha = 0.12;
  pen.fill();
  pen.globalAlpha = 1;
}

function niceTop(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((digit) => digit * power).find((top) => top >= value) ?? value;
}

/** Returns a number of bytes with its unit. */
export function bytes(number) {
  if (number >= 1e6) return `${+(number / 1e6).toFixed(2)} MB`;
  return number >= 1000 ? `${+(number / 1000).toFixed(1)} kB` : `${Math.round(number)} B`;
}
