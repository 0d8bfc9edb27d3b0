/** The summary of a simulation: its links and its connections. */
import type { Conversation, Conversations } from '../link/conversations.js';
import type { Direction } from '../link/direction.js';
import { showTime } from '../link/packet-line.js';
import { bare } from '../sim/attachment.js';
import type { Network } from '../sim/network.js';
import { alignColumns } from './text-table.js';
import { bytesText, countText } from './units.js';

/** Connections that have a line of their own. */
export const MOST_CONNECTION_LINES = 20;
const NS_PER_MS = 1_000_000;

export function summaryLines(network: Network, connections: Conversations): string[] {
  const { hosts, links, seed, nowMs } = network;
  const packets = links.reduce((sum, { forward, backward }) => sum + forward.sent + backward.sent, 0);
  const counts = [
    countText(hosts.length, 'host'),
    countText(links.length, 'link'),
    countText(packets, 'packet'),
  ];
  const time = `${timeText(nowMs)} s of virtual time`;
  return [
    [time, `seed ${seed}`, ...counts].join(', '),
    ...linkLines(links.flatMap(({ forward, backward }) => [forward, backward])),
    ...connectionLines(network, connections),
  ];
}

function linkLines(directions: readonly Direction[]): string[] {
  if (directions.length === 0) return [];
  const head = ['Link', 'sent', 'arrived', 'dropped'];
  const rows = directions.map((direction) => [
    direction.name,
    String(direction.sent),
    String(direction.delivered),
    [droppedText(direction), ...changesText(direction)].join('; '),
  ]);
  return ['', ...alignColumns([head, ...rows])];
}

/** Returns the number of packets that were dropped, with the reasons. */
function droppedText({ dropped }: Direction): string {
  const total = [...dropped.values()].reduce((sum, count) => sum + count, 0);
  if (total === 0) return '0';
  const reasons = [...dropped].map(([reason, count]) => `${reason} ${count}`);
  return `${total} (${reasons.join(', ')})`;
}

function changesText({ duplicated, corrupted, overtaken }: Direction): string[] {
  const changes = { duplicated, corrupted, overtaken };
  return Object.entries(changes)
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${name} ${count}`);
}

function connectionLines(network: Network, { list, further }: Conversations): string[] {
  if (list.length === 0) return [];
  const names = new Map(
    network.hosts.flatMap(({ name, addresses }) =>
      addresses.map((address) => [bare(address), name] as const),
    ),
  );
  const head = ['Connection', 'from', 'to', 'state', 'sent', 'received', 'retransmitted'];
  const rows = list.slice(0, MOST_CONNECTION_LINES).map((each) => connectionRow(each, names));
  const left = list.length - rows.length + further;
  const rest = left > 0 ? [`  … and ${countText(left, 'further connection')}`] : [];
  return ['', ...alignColumns([head, ...rows]), ...rest];
}

function connectionRow(connection: Conversation, names: ReadonlyMap<string, string>): string[] {
  const { from, to, forward, backward, firstMs, lastMs, state } = connection;
  const end = ([address, port]: readonly [string, number]): string =>
    `${names.get(address) ?? address}.${port}`;
  return [
    `${end(from)} > ${end(to)}`,
    timeText(firstMs),
    timeText(lastMs),
    state,
    bytesText(forward.bytes),
    bytesText(backward.bytes),
    `${forward.retransmissions} + ${backward.retransmissions}`,
  ];
}

function timeText(ms: number): string {
  return showTime(ms * NS_PER_MS);
}
