/** The log of events. An entry that is pointed at, or has the focus, is shown on the charts. */
import { byId, icon, keyed, make, setText } from './dom.js';
import * as text from './text.js';

/** Events that the page keeps. */
export const MOST_EVENTS = 200;

const LEVELS = { info: 'unknown', warn: 'strained', error: 'failed' };

/** Words of each kind of event, and its mark on the charts: each has a shape of its own. */
export const KINDS = {
  listen: { word: 'listens', mark: '▷' },
  stop: { word: 'stops', mark: '◁' },
  refuse: { word: 'refused', mark: '⊘' },
  error: { word: 'error', mark: '✕' },
  block: { word: 'blocked', mark: '■' },
  unblock: { word: 'moves again', mark: '□' },
  link: { word: 'link', mark: '◆' },
  bite: { word: 'watchdog', mark: '▲' },
  act: { word: 'action', mark: '●' },
  warning: { word: 'warning', mark: '!' },
};

export function showLog(events, atMs, point) {
  const list = byId('log');
  keyed(
    list,
    [...events].reverse(),
    ({ id }) => id,
    (event) => {
      const { word, mark } = KINDS[event.kind] ?? { word: event.kind, mark: '·' };
      const item = make(
        'li',
        { 'data-level': LEVELS[event.level] ?? 'unknown' },
        make('time'),
        make('span', { class: 'kind' }, icon(LEVELS[event.level] ?? 'unknown'), `${mark} ${word}`),
        make('span', { class: 'what' }, event.text),
      );
      item.addEventListener('mouseenter', () => point(event));
      item.addEventListener('mouseleave', () => point(undefined));
      return item;
    },
    (item, event) => setText(item.firstElementChild, text.time(event.atMs, atMs)),
  );
  list.hidden = events.length === 0;
  list.parentElement.querySelector('.empty').hidden = events.length > 0;
}
