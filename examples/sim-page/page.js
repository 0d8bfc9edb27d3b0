/** The page: controls, the passing of time, and what is drawn when. */
import { bytes, drawGraph } from './graph.js';
import { count } from './packets.js';
import { drawSequence } from './sequence.js';
import { Simulation } from './simulation.js';
import { drawStage } from './stage.js';

const byId = (id) => document.getElementById(id);

/** Bits a second by the place of the slider; the last one has no limit. */
const RATES = [64e3, 250e3, 500e3, 1e6, 2e6, 5e6, 10e6, 100e6, undefined];
const RATE_TEXTS = ['64 kbit/s', '250 kbit/s', '500 kbit/s', '1 Mbit/s', '2 Mbit/s', '5 Mbit/s', '10 Mbit/s'];
RATE_TEXTS.push('100 Mbit/s', 'no limit');
/** How many times slower than real the time is, by the place of the slider. */
const SLOWNESS = [100, 50, 20, 10, 5, 2, 1, 0.1];
/** Real time that a turn of the screen may stand for: a page in the background does not catch up. */
const LONGEST_TURN_MS = 100;
const LOG_LINES = 8;
const NAMES = [
  ['client', '10.0.0.1'],
  ['server', '10.0.0.2'],
];
const FIGURES = [
  ['Time in the network', ({ nowMs }) => `${count(Math.round(nowMs))} ms`],
  ['Connection', ({ state }) => state],
  ['Acknowledged', ({ acked }) => bytes(acked)],
  ['Congestion window', ({ window }) => bytes(window)],
  ['Round trip', ({ roundTripMs }) => (roundTripMs === undefined ? '–' : `${Math.round(roundTripMs)} ms`)],
  ['Packets', ({ sent }) => count(sent)],
  ['Lost', ({ lost }) => count(lost)],
  ['Sent again', ({ again }) => count(again)],
];

let simulation;
let isRunning = false;
/** Time of the last turn of the screen; `undefined` before the first one. */
let lastTurnMs;
/** Counts the packets that the link has done something with when the log was written. */
let logged;

function impairments() {
  return {
    delayMs: Number(byId('delay').value),
    loss: Number(byId('loss').value) / 100,
    bitsPerSecond: RATES[Number(byId('rate').value)],
  };
}

function slowness() {
  return SLOWNESS[Number(byId('speed').value)];
}

// ---- controls

function showSettings() {
  const slow = slowness();
  byId('delay-text').value = `${byId('delay').value} ms each way`;
  byId('loss-text').value = `${byId('loss').value} % of packets`;
  byId('rate-text').value = RATE_TEXTS[Number(byId('rate').value)];
  byId('speed-text').value =
    slow === 1 ? 'as in life' : slow > 1 ? `${slow} × slower` : `${1 / slow} × faster`;
  byId('run').textContent = isRunning ? 'Pause' : 'Start';
  byId('cut').setAttribute('aria-pressed', String(simulation.isCut));
  byId('cut').textContent = simulation.isCut ? 'Join the link' : 'Cut the link';
}

function restart() {
  simulation = new Simulation({
    seed: Number(byId('seed').value),
    size: Number(byId('size').value),
    profile: byId('profile').value,
    impairments: impairments(),
  });
  logged = undefined;
  showSettings();
  draw();
}

function setRunning(isOn) {
  isRunning = isOn;
  lastTurnMs = undefined;
  if (isOn) requestAnimationFrame(turn);
  showSettings();
}

for (const id of ['delay', 'loss', 'rate']) {
  byId(id).addEventListener('input', () => {
    simulation.link.set(impairments());
    showSettings();
  });
}
byId('speed').addEventListener('input', showSettings);
for (const id of ['seed', 'size', 'profile']) byId(id).addEventListener('change', restart);
byId('run').addEventListener('click', () => {
  if (!isRunning && simulation.isOver) restart();
  setRunning(!isRunning);
});
byId('step').addEventListener('click', () => {
  setRunning(false);
  simulation.runToNextPacket();
  draw();
});
byId('restart').addEventListener('click', restart);
byId('drop').addEventListener(
  'click',
  () => void simulation.link.dropNext(({ payloadBytes }) => payloadBytes > 0),
);
byId('cut').addEventListener('click', () => {
  simulation.cut(!simulation.isCut);
  showSettings();
  draw();
});

// ---- time

function turn(atMs) {
  if (!isRunning) return;
  const passedMs = lastTurnMs === undefined ? 0 : Math.min(LONGEST_TURN_MS, atMs - lastTurnMs);
  lastTurnMs = atMs;
  simulation.run(passedMs / slowness());
  draw();
  if (simulation.isOver) setRunning(false);
  else requestAnimationFrame(turn);
}

// ---- what is shown

function draw() {
  const { packets, nowMs, isCut, history } = simulation;
  const view = { packets: packets.list, nowMs, isCut, names: NAMES, delayMs: impairments().delayMs };
  drawStage(byId('stage'), view);
  drawSequence(byId('sequence'), view);
  drawGraph(byId('window'), history.samples, [
    { name: 'window', colour: 'data' },
    { name: 'inFlight', colour: 'again' },
  ]);
  drawGraph(byId('acked'), history.samples, [{ name: 'acked', colour: 'data' }]);
  showFigures();
  showVerdict();
  showLog();
}

function showFigures() {
  const { packets, nowMs } = simulation;
  const { sent, lost, again } = packets;
  const figures = { ...simulation.figures(), nowMs, sent, lost, again };
  const list = byId('figures');
  if (list.childElementCount === 0) {
    for (const [name] of FIGURES) {
      const group = document.createElement('div');
      group.append(document.createElement('dt'), document.createElement('dd'));
      group.firstElementChild.textContent = name;
      list.append(group);
    }
  }
  for (const [index, [, text]] of FIGURES.entries()) {
    list.children[index].lastElementChild.textContent = text(figures);
  }
}

function showVerdict() {
  const { answer, doneMs } = simulation;
  const verdict = byId('verdict');
  const seconds = (doneMs ?? 0) / 1000;
  const isWell = answer !== undefined && answer !== '';
  const text = isWell
    ? `The server has ${count(Number.parseInt(answer, 10))} bytes, after ${seconds.toFixed(2)} s`
    : answer === ''
      ? `The connection failed after ${seconds.toFixed(1)} s`
      : '';
  // A text that stays is not written again: it is read out.
  if (verdict.textContent !== text) verdict.textContent = text;
  verdict.dataset.level = isWell ? 'well' : 'failed';
}

function showLog() {
  const { packets } = simulation;
  if (logged === packets.changes) return;
  logged = packets.changes;
  const lines = packets.list
    .slice(-LOG_LINES)
    .reverse()
    .map((packet) => {
      const item = document.createElement('li');
      const fate = packet.lostMs === undefined ? (packet.kind === 'again' ? 'sent again' : '') : 'lost';
      const [from, to] = packet.from === 0 ? NAMES : [...NAMES].reverse();
      item.className = fate === 'lost' ? 'lost' : packet.kind;
      const time = packet.sentMs.toFixed(1).padStart(9);
      item.textContent = `${time} ms  ${from[0]} → ${to[0]}  ${packet.label.padEnd(28)} ${fate}`;
      return item;
    });
  byId('log').replaceChildren(...lines);
}

restart();
addEventListener('resize', draw);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
byId('programs').textContent = (await (await fetch('programs.js')).text()).trim();
// Moving pictures begin by themselves only for those who want them.
if (!matchMedia('(prefers-reduced-motion: reduce)').matches) setRunning(true);
