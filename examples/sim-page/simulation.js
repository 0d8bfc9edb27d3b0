/** The simulated network: a client, a server, a link between them, and what is known of them. */
import { History } from './graph.js';
import { Network } from './library.js';
import { Packets } from './packets.js';
import { send, serve } from './programs.js';

/** States of a TCP connection by their numbers (RFC 9293, §3.3.2). */
const STATES = ['closed', 'listening', 'connecting', 'accepting', 'established', 'closing', 'closing'];
/** Milliseconds after which the wait for the next packet is given up, and the steps of the wait. */
const LONGEST_WAIT_MS = 200_000;
const STEP_MS = 0.25;

export class Simulation {
  network;
  link;
  packets;
  history = new History();
  isCut = false;
  /** Answer of the server, when all is over; '' if the connection failed. */
  answer;
  doneMs;
  #socket;
  #size;

  constructor({ seed, size, profile, impairments }) {
    this.#size = size;
    this.network = new Network({ seed });
    const client = this.network.host('client', { address: '10.0.0.1', profile });
    const server = this.network.host('server', { address: '10.0.0.2' });
    this.link = this.network.link(client, server, impairments);
    this.packets = new Packets(this.network, this.link);
    this.#watch(client.netstack.tcp);
    this.network.at(0, () => {
      serve(server.stack);
      const file = new Uint8Array(size).map((_, index) => index % 251);
      send(client.stack, server.address, file, (answer = '') => {
        this.answer = answer;
        this.doneMs = this.network.nowMs;
      });
    });
  }

  get nowMs() {
    return this.network.nowMs;
  }

  get isOver() {
    return this.answer !== undefined && this.packets.list.every(({ expectedMs }) => expectedMs < this.nowMs);
  }

  /** Lets virtual time pass. */
  run(ms) {
    this.network.runSync(ms);
    this.#sample();
  }

  /** Runs until a packet is sent, arrives or is lost. */
  runToNextPacket() {
    const { changes } = this.packets;
    const limitMs = this.nowMs + LONGEST_WAIT_MS;
    while (this.packets.changes === changes && this.nowMs < limitMs) this.network.runSync(STEP_MS);
    this.#sample();
  }

  cut(isCut) {
    this.isCut = isCut;
    if (isCut) this.link.cut();
    else this.link.heal();
  }

  /** Figures of the client's connection. */
  figures() {
    const info = this.#socket?.info();
    return {
      state: info === undefined ? 'not begun' : (STATES[info.state] ?? 'closing'),
      // The acknowledgement of FIN counts as a byte.
      acked: Math.min(this.packets.acked, this.#size),
      window: info?.congestionWindowBytes ?? 0,
      inFlight: info?.bytesInFlight ?? 0,
      roundTripMs: info?.smoothedRttMs,
      timeoutMs: info?.rtoMs,
    };
  }

  /** Notes the socket of the client's connection, whose figures are shown. */
  #watch(tcp) {
    const connect = tcp.connect.bind(tcp);
    tcp.connect = (target) => {
      const socket = connect(target);
      if (typeof socket === 'object') this.#socket = socket;
      return socket;
    };
  }

  #sample() {
    const { acked, window, inFlight } = this.figures();
    this.history.add({ atMs: this.nowMs, acked, window, inFlight });
  }
}
