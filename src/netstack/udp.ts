/**
 * UDP of one host (RFC 768, RFC 1122 §4.1). As in the raw API of TCP, events are noted, not called: a
 * socket with datagrams or errors waits in the queue of ready ones, and the host's driver takes it from
 * there.
 */
import { assert } from '../support/assert.js';
import type { FramePool } from './frame.js';
import { isPort } from './numbers.js';
import type { IcmpReport, IpPacket, IpPath, IpService } from './tcp/ip-service.js';
import { type Address, MAPPED_WORD } from './wire/address.js';
import { MOST_PACKET_BYTES } from './wire/ipv4.js';
import { hasUdpChecksum, PROTOCOL_UDP, UDP_HEADER_BYTES, writeUdp } from './wire/udp.js';

/** Datagrams, and bytes of data, that wait in one socket. */
export const MOST_QUEUED_DATAGRAMS = 1024;
export const MOST_QUEUED_BYTES = 262_144;
/** Sockets of one host. */
export const MOST_UDP_SOCKETS = 4096;

export type UdpRefusal = 'inUse' | 'noPort' | 'noMemory' | 'notLocal';
/** Reasons for which `send` has sent nothing. */
export type UdpSendFailure = 'unreachable' | 'tooLong' | 'noDestination' | 'closed';

export interface Datagram {
  readonly bytes: Uint8Array;
  readonly address: Address;
  readonly port: number;
  /** Address that it was sent to: one of this host, or a group. */
  readonly localAddress: Address;
}

/** The parts of IP that UDP uses and TCP does not. */
export interface UdpIp extends IpService {
  refusePort(packet: IpPacket): void;
  readonly counters: { drop(reason: UdpDrop): void };
}

type UdpDrop = 'badUdp' | 'badUdpChecksum' | 'unreachablePort' | 'udpQueueFull';

export interface UdpOptions {
  readonly ip: UdpIp;
  readonly frames: FramePool;
  readonly random: () => number;
  /** Ports that `bind` chooses from. */
  readonly ports: { readonly first: number; readonly last: number };
}

export interface UdpBinding {
  /** `undefined`: all addresses of both families. */
  readonly address?: Address | undefined;
  /** 0 or `undefined`: a free one. */
  readonly port?: number | undefined;
}

/** The host of a socket. */
interface UdpHost {
  transmit(socket: UdpSocket, bytes: Uint8Array, to: Address, port: number): UdpSendFailure | undefined;
  close(socket: UdpSocket): void;
}

export class UdpSocket {
  readonly localAddress: Address | undefined;
  readonly localPort: number;
  /** Value that its program keeps with it. */
  owner: unknown;
  /** The last ICMP error about a datagram of this socket (RFC 1122 §4.1.3.3). */
  error: IcmpReport | undefined;
  remoteAddress: Address | undefined;
  remotePort = 0;
  isClosed = false;
  readonly #host: UdpHost;
  readonly #queue: Datagram[] = [];
  #queuedBytes = 0;

  constructor(host: UdpHost, localAddress: Address | undefined, localPort: number) {
    this.#host = host;
    this.localAddress = localAddress;
    this.localPort = localPort;
  }

  /** Sets the one host and port that datagrams go to and are taken from. */
  connect(address: Address, port: number): void {
    assert(isPort(port), 'a port is a number of 16 bits');
    this.remoteAddress = address;
    this.remotePort = port;
  }

  /** Sends a datagram, to the connected host if none is given. Returns why it was not sent. */
  send(bytes: Uint8Array, address?: Address, port?: number): UdpSendFailure | undefined {
    const to = address ?? this.remoteAddress;
    if (to === undefined) return 'noDestination';
    return this.#host.transmit(this, bytes, to, port ?? this.remotePort);
  }

  /** Returns the oldest datagram that waits. */
  receive(): Datagram | undefined {
    const datagram = this.#queue.shift();
    if (datagram !== undefined) this.#queuedBytes -= datagram.bytes.length;
    return datagram;
  }

  /** Returns the last error, and forgets it. */
  takeError(): IcmpReport | undefined {
    const { error } = this;
    this.error = undefined;
    return error;
  }

  /** Frees the port; what waits is dropped. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    this.#host.close(this);
  }

  /** Returns true if the socket takes datagrams from this host. Only `Udp` calls it, as the next one. */
  isFrom(packet: IpPacket, port: number): boolean {
    const remote = this.remoteAddress;
    if (remote === undefined) return true;
    if (port !== this.remotePort || remote.d !== packet.sourceD || remote.c !== packet.sourceC) return false;
    return remote.b === packet.sourceB && remote.a === packet.sourceA;
  }

  /** Returns false if the socket has no room. */
  enqueue(datagram: Datagram): boolean {
    const isFull =
      this.#queue.length >= MOST_QUEUED_DATAGRAMS ||
      this.#queuedBytes + datagram.bytes.length > MOST_QUEUED_BYTES;
    if (isFull) return false;
    this.#queue.push(datagram);
    this.#queuedBytes += datagram.bytes.length;
    return true;
  }
}

export class Udp implements UdpHost {
  readonly #ip: UdpIp;
  readonly #frames: FramePool;
  readonly #random: () => number;
  readonly #ports: { readonly first: number; readonly last: number };
  readonly #sockets = new Map<number, UdpSocket[]>();
  readonly #ready = new Set<UdpSocket>();
  #count = 0;

  constructor({ ip, frames, random, ports }: UdpOptions) {
    this.#ip = ip;
    this.#frames = frames;
    this.#random = random;
    this.#ports = ports;
  }

  /** Number of open sockets. */
  get sockets(): number {
    return this.#count;
  }

  /** Opens a socket on a port of this host. */
  bind({ address, port = 0 }: UdpBinding = {}): UdpSocket | UdpRefusal {
    assert(isPort(port), 'a port is a number of 16 bits');
    if (this.#count >= MOST_UDP_SOCKETS) return 'noMemory';
    const local = address?.isUnspecified() === true ? undefined : address;
    if (local !== undefined && !local.isMulticast() && !this.#ip.isOwn(local)) return 'notLocal';
    const chosen = port === 0 ? this.#freePort() : port;
    if (chosen === undefined) return 'noPort';
    const others = this.#sockets.get(chosen) ?? [];
    if (others.some((other) => overlaps(other.localAddress, local))) return 'inUse';
    const socket = new UdpSocket(this, local, chosen);
    this.#sockets.set(chosen, [...others, socket]);
    this.#count += 1;
    return socket;
  }

  /** True if `takeReady` would return a socket. */
  get hasReady(): boolean {
    return this.#ready.size > 0;
  }

  /** Returns a socket with datagrams or an error, each once, the earliest first. */
  takeReady(): UdpSocket | undefined {
    for (const socket of this.#ready) {
      this.#ready.delete(socket);
      return socket;
    }
    return undefined;
  }

  /** Reads a datagram; its frame stays the caller's. */
  receive(packet: IpPacket): false {
    const { frame, start, end, addressSum, family } = packet;
    const { view } = frame;
    const length = end - start >= UDP_HEADER_BYTES ? view.getUint16(start + 4) : 0;
    if (length < UDP_HEADER_BYTES || length > end - start) return this.#drop('badUdp');
    const isGood = hasUdpChecksum(view, start, start + length, addressSum, family);
    if (!isGood) return this.#drop('badUdpChecksum');
    const socket = this.#socketFor(packet, view.getUint16(start), view.getUint16(start + 2));
    if (socket === undefined) {
      this.#ip.refusePort(packet);
      return this.#drop('unreachablePort');
    }
    const datagram = {
      bytes: frame.bytes.slice(start + UDP_HEADER_BYTES, start + length),
      address: packet.source(),
      port: view.getUint16(start),
      localAddress: packet.destination(),
    };
    if (!socket.enqueue(datagram)) return this.#drop('udpQueueFull');
    this.#ready.add(socket);
    return false;
  }

  /** Returns true if a socket may have sent the datagram that a report quotes. */
  believes(report: IcmpReport): boolean {
    return this.#findQuoted(report) !== undefined;
  }

  report(report: IcmpReport): void {
    // A smaller path is a matter of IP alone: it cuts datagrams.
    if (report.kind === 'tooBig') return;
    const socket = this.#findQuoted(report);
    if (socket === undefined) return;
    socket.error = report;
    this.#ready.add(socket);
  }

  #findQuoted({ source, destination, quoted }: IcmpReport): UdpSocket | undefined {
    return (this.#sockets.get(quoted.getUint16(0)) ?? []).find(
      ({ localAddress, remoteAddress, remotePort }) =>
        (localAddress?.equals(source) ?? true) &&
        (remoteAddress === undefined ||
          (remoteAddress.equals(destination) && remotePort === quoted.getUint16(2))),
    );
  }

  transmit(socket: UdpSocket, bytes: Uint8Array, to: Address, port: number): UdpSendFailure | undefined {
    assert(isPort(port), 'a port is a number of 16 bits');
    if (socket.isClosed) return 'closed';
    if (port === 0) return 'noDestination';
    const local = socket.localAddress;
    const path = this.#ip.pathTo(to, local?.isMulticast() === true ? undefined : local);
    if (path === undefined) return 'unreachable';
    if (bytes.length > MOST_PACKET_BYTES - path.headerBytes - UDP_HEADER_BYTES) return 'tooLong';
    this.#send(path, socket.localPort, port, bytes);
    return undefined;
  }

  close(socket: UdpSocket): void {
    const rest = (this.#sockets.get(socket.localPort) ?? []).filter((other) => other !== socket);
    if (rest.length === 0) this.#sockets.delete(socket.localPort);
    else this.#sockets.set(socket.localPort, rest);
    this.#ready.delete(socket);
    this.#count -= 1;
  }

  #drop(reason: UdpDrop): false {
    this.#ip.counters.drop(reason);
    return false;
  }

  #send(path: IpPath, source: number, destination: number, bytes: Uint8Array): void {
    const length = UDP_HEADER_BYTES + bytes.length;
    const frame = this.#frames.take(length);
    frame.end = frame.start + length;
    frame.bytes.set(bytes, frame.start + UDP_HEADER_BYTES);
    writeUdp(frame.view, frame.start, frame.end, { source, destination }, path.addressSum);
    this.#ip.send(path, PROTOCOL_UDP, frame);
  }

  /**
   * Returns the socket that takes a packet: one that is connected before one of the address, before one of
   * all.
   */
  #socketFor(packet: IpPacket, remotePort: number, localPort: number): UdpSocket | undefined {
    let best: UdpSocket | undefined;
    for (const socket of this.#sockets.get(localPort) ?? []) {
      if (!isTo(socket.localAddress, packet) || !socket.isFrom(packet, remotePort)) continue;
      if (best === undefined || rank(socket) > rank(best)) best = socket;
    }
    return best;
  }

  #freePort(): number | undefined {
    const { first, last } = this.#ports;
    const count = last - first + 1;
    const offset = Math.floor(this.#random() * count);
    for (let tried = 0; tried < count; tried += 1) {
      const port = first + ((offset + tried) % count);
      if (!this.#sockets.has(port)) return port;
    }
    return undefined;
  }
}

function overlaps(one: Address | undefined, other: Address | undefined): boolean {
  return one === undefined || other === undefined || one.equals(other);
}

function rank({ remoteAddress, localAddress }: UdpSocket): number {
  return (remoteAddress === undefined ? 0 : 2) + (localAddress === undefined ? 0 : 1);
}

function isTo(local: Address | undefined, packet: IpPacket): boolean {
  if (local === undefined) return true;
  if (local.d !== packet.destinationD || local.c !== packet.destinationC) {
    // A broadcast comes to every IPv4 socket of its port.
    return (
      packet.isGroup && packet.family === 4 && local.c === MAPPED_WORD && packet.destinationD >>> 28 !== 0xe
    );
  }
  return local.b === packet.destinationB && local.a === packet.destinationA;
}
