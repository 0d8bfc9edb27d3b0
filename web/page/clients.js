/** The table of connections, with filter and order, and the details of one connection, with its actions. */
import { byId, itemsOf, make, makeRow, setAttribute, setText, showRows } from './dom.js';
import { countNote, detailsButton, setName, showFacts } from './overview.js';
import * as text from './text.js';

const table = byId('clients');
const filter = byId('filter');
const order = byId('order');
const dialog = byId('details');
const result = byId('details-result');

/** Rows that are shown before more are asked for. */
const SHORT = 10;
const more = byId('clients-more');
let isLong = false;

/** Number of the connection whose details are open. */
let opened;
/** True while an answer is due: a slow one is not asked for twice. */
let isAsking = false;

/** @returns {Promise<{rows: any[], found: number, atMs: number}>} */
async function ask(wanted, by) {
  const query = new URLSearchParams({ filter: wanted, order: by });
  const answer = await fetch(`connections.json?${query}`);
  if (!answer.ok) throw new Error(`the answer is ${answer.status}`);
  return answer.json();
}

// ---- the table

function isPlain() {
  return filter.value.trim() === '' && order.value === 'traffic';
}

/** Shows the connections: those of the stream, or those that fit the filter, which the server is asked for. */
export async function showClients(view) {
  if (isPlain()) {
    showTable(itemsOf(view.top), view.totals.connections, view.atMs);
    return;
  }
  if (isAsking) return;
  isAsking = true;
  const asked = [filter.value.trim(), order.value];
  try {
    const { rows, found, atMs } = await ask(...asked);
    const isWanted = asked[0] === filter.value.trim() && asked[1] === order.value;
    if (isWanted) showTable(rows, found, atMs);
  } catch {
    // The stream shows that the server is not there; the next second asks again.
  } finally {
    isAsking = false;
  }
}

function showTable(all, found, atMs) {
  const items = isLong ? all : all.slice(0, SHORT);
  setText(byId('clients-count'), countNote(items.length, found));
  more.hidden = all.length <= SHORT;
  setText(more, isLong ? `Show the first ${SHORT}` : `Show ${all.length - SHORT} more`);
  setAttribute(more, 'aria-expanded', String(isLong));
  showRows(
    table,
    items,
    ({ id }) => id,
    ({ id }) => {
      const row = makeRow(table);
      setName(row.cells[0], { peer: '', note: '' });
      row.cells[0].append(make('span', { class: 'own' }));
      row.cells[9].append(detailsButton(() => openDetails(id)));
      return row;
    },
    (row, connection) => {
      const { cells } = row;
      const { peer, own, blocked, state, roundTripMs, retransmissions } = connection;
      setName(cells[0], connection);
      setText(cells[0].lastElementChild, own ? 'this page' : '');
      setText(cells[1], blocked ? `${state}, blocked: ${blocked}` : state);
      setText(cells[2], text.rate(connection.inPerS));
      setText(cells[3], text.rate(connection.outPerS));
      setText(cells[4], text.bytes(connection.bytesIn));
      setText(cells[5], text.bytes(connection.bytesOut));
      setText(cells[6], text.millis(roundTripMs));
      setText(cells[7], text.count(retransmissions));
      setText(cells[8], text.duration(atMs - connection.openedAtMs));
      setAttribute(cells[9].firstElementChild, 'aria-label', `Details of ${peer}`);
    },
  );
}

// ---- the details

export function openDetails(id) {
  opened = id;
  setText(byId('details-title'), `Connection #${id}`);
  setText(byId('details-why'), '');
  setText(result, '');
  byId('details-facts').replaceChildren();
  setOver(false);
  dialog.showModal();
  void showDetails();
}

function setOver(isOver) {
  byId('details-close').disabled = isOver;
  byId('details-reset').disabled = isOver;
}

/** Shows the figures of the connection whose details are open. */
export async function showDetails() {
  const id = opened;
  if (id === undefined) return;
  let answer;
  try {
    answer = await ask(`#${id}`, 'traffic');
  } catch {
    return;
  }
  if (opened !== id) return;
  const connection = answer.rows.find((row) => row.id === id);
  if (connection === undefined) {
    setText(byId('details-why'), 'This connection is over.');
    setOver(true);
    return;
  }
  // `null` and a missing member both stand for what is not known.
  const figures = Object.fromEntries(Object.entries(connection).filter(([, value]) => value !== null));
  setText(byId('details-why'), figures.why ?? 'Bytes move, or none wait.');
  showFacts(byId('details-facts'), factsOf(figures, answer.atMs));
}

function factsOf(figures, atMs) {
  const { direction, peerWindow, unacknowledged, heardAgoMs } = figures;
  return [
    ['Peer', text.endpoint(figures.remoteAddress, figures.remotePort)],
    ['Own address', text.endpoint(figures.localAddress, figures.localPort)],
    [
      'Opened',
      `${text.time(figures.openedAtMs, atMs)}, by ${direction === 'in' ? 'the peer' : 'this program'}`,
    ],
    ['State', `${figures.state} on ${figures.stack}`],
    ['In', `${text.bytes(figures.bytesIn)}, ${text.rate(figures.inPerS)}`],
    ['Out', `${text.bytes(figures.bytesOut)}, ${text.rate(figures.outPerS)}`],
    [
      'Waits to be sent',
      `${text.bytes(unacknowledged)}, ${text.bytes(figures.queued)} of it not taken by the system`,
    ],
    ['Waits to be read', text.bytes(figures.withheld)],
    ['Reading', figures.paused ? 'paused' : 'on'],
    ['Oldest unacknowledged', unacknowledged === 0 ? 'none' : text.duration(figures.oldestUnacknowledgedMs)],
    ["Peer's window", peerWindow === 0 ? 'closed' : text.bytes(peerWindow)],
    ['Last heard of', heardAgoMs === undefined ? text.UNKNOWN : `${text.duration(heardAgoMs)} ago`],
    ['Round trip', text.millis(figures.roundTripMs)],
    ['Sent again', text.count(figures.retransmissions)],
  ];
}

/** Asks the server to close or to reset the connection. */
async function act(how) {
  const id = opened;
  try {
    const answer = await fetch(`connections/${id}/${how}`, {
      method: 'POST',
      headers: { 'X-Asynctcp-Action': how },
    });
    const isDone = answer.ok || answer.status === 404;
    if (!isDone) throw new Error(`the answer is ${answer.status}`);
    const done = how === 'close' ? 'It closes when the bytes that wait are sent.' : 'It is reset.';
    setText(result, answer.ok ? done : 'It was over already.');
  } catch (error) {
    setText(result, `That has failed: ${error.message}.`);
  }
  await showDetails();
}

/** @param ask called when the table is to be shown anew. */
export function listenToClients(showAgain) {
  byId('details-close').addEventListener('click', () => act('close'));
  byId('details-reset').addEventListener('click', () => act('reset'));
  byId('details-back').addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => {
    opened = undefined;
  });
  byId('clients-form').addEventListener('submit', (event) => event.preventDefault());
  more.addEventListener('click', () => {
    isLong = !isLong;
    showAgain();
  });
  filter.addEventListener('input', showAgain);
  order.addEventListener('change', showAgain);
}
