/**
 * IP of one host: hands packets that come in to the transports, and finds the way for those that go out.
 *
 *     interface → receiveFrame → Ipv4Input or Ipv6Input → transport.receive
 *     transport → pathTo, send → Output → device.transmit
 */
import { assert } from '../../support/assert.js';
import { Counters } from '../counters.js';
import type { Frame, FramePool } from '../frame.js';
import type { Profile } from '../profile.js';
import type { IcmpReport, IpPacket, IpPath, IpService } from '../tcp/ip-service.js';
import type { Address } from '../wire/address.js';
import { InPacket } from './in-packet.js';
import { Path } from './ip-path.js';
import { Ipv4Input } from './ipv4-input.js';
import { Ipv6Input } from './ipv6-input.js';
import { Loopback } from './loopback.js';
import { type FrameInput, NetInterface } from './net-interface.js';
import { Output } from './output.js';
import { LOOPBACK_ADDRESSES, Routing } from './routing.js';

export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;

/** A transport protocol, as IP sees it. */
export interface Transport {
  /** Reads a packet. Returns true if its frame is the transport's from now on; otherwise it stays IP's. */
  receive(packet: IpPacket): boolean;
  report(report: IcmpReport): void;
}

export interface IpOptions {
  readonly profile: Profile;
  readonly frames: FramePool;
  readonly onWork: () => void;
}

export class Ip implements IpService, FrameInput {
  readonly counters = new Counters();
  readonly loopback: Loopback;
  readonly loopbackInterface: NetInterface;
  readonly routing: Routing;
  readonly #frames: FramePool;
  readonly #output: Output;
  readonly #input4: Ipv4Input;
  readonly #input6: Ipv6Input;
  readonly #packet = new InPacket();
  readonly #transports = new Map<number, Transport>();
  #tcp: Transport | undefined;

  constructor({ profile, frames, onWork }: IpOptions) {
    this.#frames = frames;
    this.loopback = new Loopback(frames, this.counters, onWork);
    this.loopbackInterface = new NetInterface('lo', this.loopback, this, true);
    for (const address of LOOPBACK_ADDRESSES) this.loopbackInterface.addAddress(address);
    this.routing = new Routing(this.loopbackInterface);
    this.#output = new Output(this.counters, profile.ip.hopLimit);
    this.#input4 = new Ipv4Input(this.routing, this.counters);
    this.#input6 = new Ipv6Input(this.routing, this.counters);
  }

  /** Sets the transport that takes the packets of a protocol. */
  setTransport(protocol: number, transport: Transport): void {
    this.#transports.set(protocol, transport);
    if (protocol === PROTOCOL_TCP) this.#tcp = transport;
  }

  receiveFrame(netInterface: NetInterface, frame: Frame): void {
    this.counters.received += 1;
    const packet = this.#packet;
    const version = frame.length === 0 ? 0 : (frame.bytes[frame.start] ?? 0) >>> 4;
    if (version === 4) {
      if (this.#input4.read(packet, netInterface, frame) && this.#deliver(packet)) return;
    } else if (version === 6) {
      if (this.#input6.read(packet, netInterface, frame) && this.#deliver(packet)) return;
    } else {
      this.counters.drop('badVersion');
    }
    this.#frames.give(frame);
  }

  pathTo(destination: Address, source: Address | undefined): IpPath | undefined {
    return this.routing.pathTo(destination, source);
  }

  send(path: IpPath, protocol: number, frame: Frame, ecn = 0): void {
    assert(path instanceof Path, 'a path comes from pathTo');
    this.#output.send(path, protocol, frame, ecn);
  }

  isOwn(address: Address): boolean {
    return this.routing.isOwn(address);
  }

  confirm(path: IpPath): void {
    assert(path instanceof Path, 'a path comes from pathTo');
  }

  /** Returns true if the packet's frame is the transport's from now on. */
  #deliver(packet: InPacket): boolean {
    if (packet.protocol === PROTOCOL_TCP && this.#tcp !== undefined) return this.#tcp.receive(packet);
    const transport = this.#transports.get(packet.protocol);
    if (transport !== undefined) return transport.receive(packet);
    this.counters.drop('unknownProtocol');
    return false;
  }
}
