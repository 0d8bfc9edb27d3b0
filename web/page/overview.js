/** The upper part of the page: verdict, figures, errors, links, blocked flows, the task. */
import { byId, icon, itemsOf, keyed, make, makeRow, setAttribute, setText, showRows } from './dom.js';
import * as text from './text.js';

/** A level of its own is a shape and a word, never a colour alone. */
function badge(level, words = '') {
  return make('span', { class: 'badge', 'data-level': level }, icon(level), make('span', {}, words));
}

function setBadge(element, level, words) {
  const shown = element.firstElementChild;
  if (shown?.dataset.level === level) setText(shown.lastElementChild, words);
  else element.replaceChildren(badge(level, words));
}

// ---- the verdict

export function showVerdict(view, open) {
  const { verdict, listeners, atMs } = view;
  const section = byId('verdict');
  setAttribute(section, 'data-level', verdict.level);
  setAttribute(byId('verdict-icon'), 'href', `#i-${verdict.level}`);
  setText(byId('verdict-text'), verdict.text);
  keyed(
    byId('stuck'),
    verdict.stuck,
    ({ id }) => id,
    ({ id }) =>
      make(
        'li',
        {},
        make('strong', { class: 'cause' }),
        make('p', { class: 'name' }),
        make('p', { class: 'why' }),
        detailsButton(() => open(id)),
      ),
    (element, stuck) => {
      const [cause, name, why, button] = element.children;
      setText(cause, capital(stuck.cause));
      setName(name, stuck);
      setText(why, stuck.why);
      setAttribute(button, 'aria-label', `Details of ${stuck.peer}`);
    },
  );
  keyed(
    byId('listeners'),
    // The program's own come first.
    itemsOf(listeners).sort((one, other) => Number(one.own ?? false) - Number(other.own ?? false)),
    ({ id }) => id,
    () => make('li', {}, make('span'), make('span', { class: 'name' }), make('span', { class: 'quiet' })),
    (element, listener) => {
      const { address, port, accepting, why, sinceAtMs, clients, maxClients, stack, own } = listener;
      const [state, name, since] = element.children;
      setBadge(
        state,
        accepting ? 'well' : 'failed',
        accepting ? 'accepting' : `not accepting: ${why ?? text.UNKNOWN}`,
      );
      setText(name, text.endpoint(address, port));
      const limit = maxClients === undefined ? '' : ` of ${text.count(maxClients)}`;
      const use = own ? 'this page' : `${text.count(clients)}${limit} connected`;
      setText(since, `since ${text.time(sinceAtMs, atMs)} · ${use} · ${stack}`);
    },
  );
  const stuck = view.totals.blocked;
  const state = { well: 'well', strained: 'look', failed: 'not accepting' }[verdict.level];
  const title = `${stuck > 0 ? `${stuck} stuck` : state} · ${view.title}`;
  if (document.title !== title) document.title = title;
  setText(byId('title'), view.title);
}

function capital(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function detailsButton(open) {
  const button = make('button', { type: 'button', class: 'details' }, 'Details');
  button.addEventListener('click', open);
  return button;
}

/** Writes the ends of a connection into an element. */
export function setName(element, { peer, note }) {
  if (element.childElementCount < 2) element.prepend(make('b'), ' ', make('span', { class: 'quiet' }));
  setText(element.children[0], peer);
  setText(element.children[1], note);
}

// ---- figures

export function showTiles(view, second) {
  const { totals } = view;
  const tiles = [
    ['Now', text.count(totals.connections), nowNote(totals)],
    ['Most at once', text.count(totals.mostConnections), `since ${text.time(view.sinceAtMs, view.atMs)}`],
    ['Limit', totals.limit === undefined ? 'none' : text.count(totals.limit), limitNote(totals)],
    ['Refused / s', text.count(second?.refused ?? 0), `${text.count(totals.refused)} in all`],
    ['Accepted / s', text.count(second?.accepts ?? 0), `${text.count(totals.accepted)} in all`],
    ['In', text.rate(second?.bytesIn ?? 0), `${text.bytes(totals.bytesIn)} in all`],
    ['Out', text.rate(second?.bytesOut ?? 0), `${text.bytes(totals.bytesOut)} in all`],
    ['Unacknowledged', text.bytes(totals.unacknowledged), `of ${text.bytes(totals.sendBudget)} for all`],
    ['Round trip', text.millis(second?.roundTripMs), 'median'],
  ];
  keyed(
    byId('tiles'),
    tiles,
    ([name]) => name,
    ([name]) =>
      make('div', { class: 'tile' }, make('dt', {}, name), make('dd'), make('dd', { class: 'quiet' })),
    (element, [, value, note]) => {
      setText(element.children[1], value);
      setText(element.children[2], note);
    },
  );
}

function nowNote({ blocked, own }) {
  const note = blocked > 0 ? `${text.count(blocked)} blocked` : 'none blocked';
  return own > 0 ? `${note}, ${own} for this page` : note;
}

function limitNote({ connections, limit }) {
  if (limit === undefined) return "the system's alone";
  return limit === 0 ? 'none allowed' : `${Math.round((connections / limit) * 100)} % used`;
}

export function showErrors({ errors, atMs }) {
  const table = byId('errors');
  showRows(
    table,
    itemsOf(errors),
    ({ cause }) => cause,
    () => makeRow(table, ['', '', 'long']),
    (row, { cause, count, lastAtMs, last }) => {
      setText(row.cells[0], cause);
      setText(row.cells[1], text.count(count));
      setText(row.cells[2], `${text.time(lastAtMs, atMs)} · ${last}`);
    },
  );
}

const LINK_LEVELS = { up: 'well', connecting: 'strained', waiting: 'strained', ended: 'failed' };

export function showLinks({ links, atMs }) {
  const table = byId('links');
  const items = itemsOf(links).map((link, place) => ({ ...link, place }));
  showRows(
    table,
    items,
    ({ place }) => place,
    () => makeRow(table, ['', '', '', 'long']),
    (row, link) => {
      const { name, host, port, state, sinceAtMs, retryInMs, attempts, losses, lastFailure } = link;
      const target = text.endpoint(host, port);
      setName(row.cells[0], { peer: name, note: name === target ? '' : target });
      setBadge(
        row.cells[1],
        LINK_LEVELS[state],
        retryInMs === undefined
          ? `${state} for ${text.duration(atMs - sinceAtMs)}`
          : `${state}, again in ${text.duration(retryInMs)}`,
      );
      setText(row.cells[2], `${text.count(losses)} / ${text.count(attempts)}`);
      setText(
        row.cells[3],
        lastFailure === undefined
          ? 'none'
          : `${text.time(lastFailure.atMs, atMs)} · ${lastFailure.reason}: ${lastFailure.text}`,
      );
    },
  );
}

// ---- blocked flows

export function showBlocked({ blocked, totals, atMs }, open) {
  const table = byId('blocked');
  const items = itemsOf(blocked);
  setText(byId('blocked-count'), countNote(items.length, totals.blocked));
  showRows(
    table,
    items,
    ({ id }) => id,
    ({ id }) => {
      const row = makeRow(table);
      row.cells[8].append(detailsButton(() => open(id)));
      return row;
    },
    (row, connection) => {
      const { blocked: cause, blockedAtMs, unacknowledged, queued, withheld, paused } = connection;
      const { oldestUnacknowledgedMs, peerWindow } = connection;
      const { cells } = row;
      setName(cells[0], connection);
      setBadge(cells[1], 'strained', cause ?? text.UNKNOWN);
      setText(cells[2], blockedAtMs === undefined ? text.UNKNOWN : text.duration(atMs - blockedAtMs));
      setText(cells[3], text.bytes(unacknowledged));
      setAttribute(cells[3], 'title', `${text.bytes(queued)} of it not taken by the system`);
      setText(cells[4], text.bytes(withheld));
      setText(cells[5], paused ? 'paused' : 'on');
      setText(cells[6], unacknowledged === 0 ? 'none' : text.duration(oldestUnacknowledgedMs));
      setText(cells[7], peerWindow === 0 ? 'closed' : text.bytes(peerWindow));
      setAttribute(cells[8].firstElementChild, 'aria-label', `Details of ${connection.peer}`);
    },
  );
}

export function countNote(shown, all) {
  return shown < all ? `${text.count(shown)} of ${text.count(all)}` : text.count(all);
}

// ---- the task

export function showTask({ task, atMs }) {
  const { core, priority, stackWords, stackHighWaterMark } = task;
  const stack = stackWords === undefined ? text.UNKNOWN : text.bytes(stackWords * 4);
  showFacts(byId('task'), [
    ['Core', core < 0 ? 'any' : String(core)],
    ['Priority', String(priority)],
    ['Stack', stack],
    [
      'Stack never used',
      stackHighWaterMark === undefined ? text.UNKNOWN : text.bytes(stackHighWaterMark * 4),
    ],
  ]);
  const table = byId('callbacks');
  const callbacks = [...task.callbacks].sort((one, other) => other.longestMs - one.longestMs);
  showRows(
    table,
    callbacks,
    ({ name }) => name,
    () => makeRow(table),
    (row, { name, count, longestMs, slow }) => {
      setText(row.cells[0], name);
      setText(row.cells[1], text.count(count));
      setText(row.cells[2], text.millis(longestMs));
      setText(row.cells[3], text.count(slow));
    },
  );
  keyed(
    byId('bites'),
    [...task.bites].reverse(),
    ({ atMs: biteAtMs }) => biteAtMs,
    () => make('li', {}, make('p'), make('details', {}, make('summary', {}, 'Backtrace'), make('pre'))),
    (element, bite) => {
      setBadge(element.children[0], 'failed', `${text.time(bite.atMs, atMs)} · ${bite.text}`);
      element.children[1].hidden = bite.backtrace.length === 0;
      setText(element.children[1].lastElementChild, bite.backtrace.join('\n'));
    },
  );
}

/** Shows names and values. */
export function showFacts(list, facts) {
  keyed(
    list,
    facts,
    ([name]) => name,
    ([name]) => make('div', {}, make('dt', {}, name), make('dd')),
    (element, [, value]) => setText(element.children[1], value),
  );
}
