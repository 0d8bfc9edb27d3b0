/** The link: each packet is a dot that moves from host to host. */
import { begin, cross, dot, line, theme } from './drawing.js';
import { placeOf } from './packets.js';

const HOST_WIDTH = 84;
const HOST_HEIGHT = 58;
/** Part of the way at which a packet that is lost vanishes, and for how long its mark stays, in ways. */
const LOST_AT = 0.5;
const MARK_WAYS = 1.2;

export function drawStage(canvas, { packets, nowMs, names, isCut }) {
  const { pen, width, height } = begin(canvas);
  const colours = theme();
  const middle = height / 2;
  const left = HOST_WIDTH;
  const right = width - HOST_WIDTH;
  pen.strokeStyle = isCut ? colours.lost : colours.edge;
  pen.setLineDash(isCut ? [4, 8] : []);
  for (const y of [middle - 14, middle + 14]) line(pen, left, y, right, y);
  pen.setLineDash([]);
  drawHost(pen, 0, middle, names[0]);
  drawHost(pen, right, middle, names[1]);
  const waiting = [0, 0];
  for (const packet of packets) {
    const place = placeOf(packet, nowMs);
    const y = packet.from === 0 ? middle - 14 : middle + 14;
    const xOf = (way) => (packet.from === 0 ? left + way * (right - left) : right - way * (right - left));
    if (packet.lostMs !== undefined) {
      drawLost(pen, packet, nowMs, xOf, y);
    } else if (place !== undefined && place < 0) {
      waiting[packet.from] += 1;
    } else if (place !== undefined) {
      dot(pen, packet.kind, xOf(place), y);
    }
  }
  drawWaiting(pen, waiting, { left, right, middle });
}

function drawHost(pen, x, middle, [name, address]) {
  const colours = theme();
  pen.strokeStyle = colours.edge;
  pen.fillStyle = colours.grid;
  pen.beginPath();
  pen.roundRect(x + 1, middle - HOST_HEIGHT / 2, HOST_WIDTH - 2, HOST_HEIGHT, 8);
  pen.fill();
  pen.stroke();
  pen.textAlign = 'center';
  pen.fillStyle = colours.text;
  pen.font = '600 13px system-ui, sans-serif';
  pen.fillText(name, x + HOST_WIDTH / 2, middle - 9);
  pen.fillStyle = colours.quiet;
  pen.font = '12px system-ui, sans-serif';
  pen.fillText(address, x + HOST_WIDTH / 2, middle + 10);
}

/** A packet that is lost goes a part of its way, and leaves a mark there for a while. */
function drawLost(pen, packet, nowMs, xOf, y) {
  const wayMs = Math.max(1, packet.expectedMs - packet.leavesMs);
  const way = (nowMs - packet.leavesMs) / wayMs;
  if (way < 0 || way > LOST_AT + MARK_WAYS) return;
  if (way < LOST_AT) {
    dot(pen, packet.kind, xOf(way), y);
    return;
  }
  pen.globalAlpha = 1 - (way - LOST_AT) / MARK_WAYS;
  cross(pen, xOf(LOST_AT), y);
  pen.globalAlpha = 1;
}

/** Says how many packets wait until the link has sent those in front of them. */
function drawWaiting(pen, waiting, { left, right, middle }) {
  pen.fillStyle = theme().quiet;
  const texts = waiting.map((number) => (number === 0 ? '' : `${number} wait${number === 1 ? 's' : ''}`));
  pen.textAlign = 'left';
  pen.fillText(texts[0], left + 6, middle - 34);
  pen.textAlign = 'right';
  pen.fillText(texts[1], right - 6, middle + 34);
}
