/** The page: takes the stream of figures, and shows them. */
import { addSecond, drawCharts, listenToCharts, pointAt, setEvents, setHistory } from './charts.js';
import { listenToClients, openDetails, showClients, showDetails } from './clients.js';
import { byId, setAttribute, setText } from './dom.js';
import { MOST_EVENTS, showLog } from './log.js';
import { showBlocked, showErrors, showLinks, showTask, showTiles, showVerdict } from './overview.js';
import { applyPatch } from './patch.js';
import * as text from './text.js';

/** Time until a stream that the server has refused is asked for again, in milliseconds. */
const AGAIN_MS = 3000;
/** A stream is silent when nothing has come for this time, in milliseconds. */
const SILENT_MS = 5000;

let view;
let second;
let events = [];
let isDue = false;
let silence;

function show() {
  isDue = false;
  if (view === undefined || document.hidden) return;
  showVerdict(view, openDetails);
  showTiles(view, second);
  showErrors(view);
  showLinks(view);
  showBlocked(view, openDetails);
  showTask(view);
  drawCharts();
  void showClients(view);
  void showDetails();
  showLog(events, view.atMs, pointAt);
}

/** Shows the figures before the next frame. */
function showSoon() {
  if (isDue) return;
  isDue = true;
  requestAnimationFrame(show);
}

function setState(level, words) {
  const state = byId('link-state');
  setAttribute(state, 'data-level', level);
  setText(state, words);
  document.body.classList.toggle('stale', level === 'failed');
}

function heard() {
  clearTimeout(silence);
  setState('well', 'live');
  silence = setTimeout(() => setState('failed', `nothing heard since ${text.time(view.atMs)}`), SILENT_MS);
}

function takeAll({ data }) {
  const all = JSON.parse(data);
  view = all.view;
  setHistory(all.history);
  const last = {};
  for (const [name, column] of Object.entries(all.history)) last[name] = column.at(-1);
  second = last;
  events = all.events.slice(-MOST_EVENTS);
  setEvents(events);
  heard();
  showSoon();
}

function takeDelta({ data }) {
  if (view === undefined) return;
  const delta = JSON.parse(data);
  if (delta.patch !== undefined) view = applyPatch(view, delta.patch);
  second = delta.second;
  addSecond(second);
  if (delta.events !== undefined) {
    events = [...events, ...delta.events].slice(-MOST_EVENTS);
    setEvents(events);
  }
  heard();
  showSoon();
}

function follow() {
  const source = new EventSource('stream');
  source.addEventListener('all', takeAll);
  source.addEventListener('delta', takeDelta);
  source.addEventListener('error', () => {
    clearTimeout(silence);
    setState('failed', 'connection lost, trying again');
    // EventSource tries again by itself unless the answer was none of a stream.
    if (source.readyState !== EventSource.CLOSED) return;
    source.close();
    setTimeout(again, AGAIN_MS);
  });
}

/** The token may be another one since the program was started again: the page then asks for it. */
async function again() {
  const answer = await fetch('events.json?since=0').catch(() => undefined);
  if (answer?.status === 401) location.reload();
  else follow();
}

listenToCharts();
listenToClients(showSoon);
document.addEventListener('visibilitychange', showSoon);
follow();
