/** The sequence diagram: two life lines, the time runs downward, an arrow is a packet. */
import { begin, cross, line, theme } from './drawing.js';

const MARGIN = 28;
const TOP = 26;
const ARROW = 6;
/** Pixels between two labels of one side. */
const LABEL_GAP = 30;
/** Time that the picture shows, in round trips of the link, and at least in milliseconds. */
const ROUND_TRIPS = 4;
const LEAST_MS = 60;
const STEPS_MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000];

export function drawSequence(canvas, { packets, nowMs, delayMs, names }) {
  const { pen, width, height } = begin(canvas);
  const colours = theme();
  const spanMs = Math.max(LEAST_MS, ROUND_TRIPS * 2 * delayMs);
  const perMs = (height - TOP - 10) / spanMs;
  const fromMs = Math.max(0, nowMs - spanMs);
  const yOf = (ms) => TOP + (ms - fromMs) * perMs;
  const left = MARGIN + 24;
  const right = width - MARGIN;
  drawGrid(pen, { fromMs, spanMs, yOf, left, right });
  pen.strokeStyle = colours.quiet;
  line(pen, left, TOP, left, height);
  line(pen, right, TOP, right, height);
  pen.save();
  pen.beginPath();
  pen.rect(0, TOP, width, height - TOP);
  pen.clip();
  const labelled = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const packet of packets) {
    const endMs = packet.arrivedMs ?? packet.expectedMs;
    if (packet.sentMs > nowMs || endMs < fromMs) continue;
    drawPacket(pen, packet, { nowMs, endMs, yOf, left, right, labelled });
  }
  pen.restore();
  pen.fillStyle = colours.text;
  pen.textAlign = 'center';
  pen.font = '600 12px system-ui, sans-serif';
  pen.fillText(names[0][0], left, TOP / 2);
  pen.fillText(names[1][0], right, TOP / 2);
}

function drawGrid(pen, { fromMs, spanMs, yOf, left, right }) {
  const step = STEPS_MS.find((ms) => spanMs / ms <= 8) ?? 10_000;
  const colours = theme();
  for (let ms = Math.ceil(fromMs / step) * step; ms <= fromMs + spanMs; ms += step) {
    pen.strokeStyle = colours.grid;
    line(pen, left, yOf(ms), right, yOf(ms));
    pen.fillStyle = colours.quiet;
    pen.textAlign = 'right';
    pen.fillText(ms >= 1000 ? `${+(ms / 1000).toFixed(2)} s` : `${ms} ms`, left - 6, yOf(ms));
  }
}

function drawPacket(pen, packet, { nowMs, endMs, yOf, left, right, labelled }) {
  const colours = theme();
  const isLost = packet.lostMs !== undefined;
  const [x0, x1] = packet.from === 0 ? [left, right] : [right, left];
  const wholeMs = Math.max(endMs - packet.leavesMs, 0.001);
  const share = Math.min(1, Math.max(0, (nowMs - packet.leavesMs) / wholeMs), isLost ? 0.5 : 1);
  if (share === 0 && nowMs < packet.leavesMs) return;
  const y0 = yOf(packet.leavesMs);
  const x = x0 + share * (x1 - x0);
  const y = y0 + share * (yOf(endMs) - y0);
  pen.strokeStyle = colours[packet.kind];
  pen.lineWidth = packet.kind === 'ack' ? 1 : 1.5;
  line(pen, x0, y0, x, y);
  if (isLost && share === 0.5) cross(pen, x, y, 4);
  else if (share === 1) drawHead(pen, x0, y0, x1, y);
  label(pen, packet, { x0, x1, y0, y1: yOf(endMs), labelled });
}

function drawHead(pen, x0, y0, x1, y1) {
  const angle = Math.atan2(y1 - y0, x1 - x0);
  for (const turn of [-0.4, 0.4]) {
    line(pen, x1, y1, x1 - ARROW * Math.cos(angle + turn), y1 - ARROW * Math.sin(angle + turn));
  }
}

/** Writes the packet's text along its arrow, near its sender, if there is room. */
function label(pen, packet, { x0, x1, y0, y1, labelled }) {
  if (y0 - labelled[packet.from] < LABEL_GAP) return;
  labelled[packet.from] = y0;
  const slope = Math.atan2(y1 - y0, Math.abs(x1 - x0));
  const isForward = packet.from === 0;
  pen.save();
  pen.translate(x0, y0);
  pen.rotate(isForward ? slope : -slope);
  pen.textAlign = isForward ? 'left' : 'right';
  const colours = theme();
  // The ground in the text's shape keeps the arrows off it.
  pen.strokeStyle = colours.card;
  pen.lineWidth = 4;
  pen.strokeText(packet.label, isForward ? 8 : -8, -6);
  pen.fillStyle = packet.kind === 'ack' ? colours.quiet : colours[packet.kind];
  pen.fillText(packet.label, isForward ? 8 : -8, -6);
  pen.restore();
  pen.lineWidth = 1;
}
