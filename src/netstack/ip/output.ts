/** Writes IP headers in front of what transports send, and hands the packets to their interface. */
import type { Counters } from '../counters.js';
import type { Frame } from '../frame.js';
import { checksumOf } from '../wire/checksum.js';
import type { Path } from './ip-path.js';

export class Output {
  readonly #counters: Counters;
  readonly #hopLimit: number;
  #identification = 0;

  constructor(counters: Counters, hopLimit: number) {
    this.#counters = counters;
    this.#hopLimit = hopLimit;
  }

  send(path: Path, protocol: number, frame: Frame, ecn: number): void {
    const { hop } = path;
    if (hop === undefined) {
      this.#counters.drop('noRoute');
      path.frames.give(frame);
      return;
    }
    if (frame.length + path.headerBytes > hop.mtu) {
      this.#counters.drop('tooBig');
      path.frames.give(frame);
      return;
    }
    if (path.headerBytes === 20) this.#writeHeader4(path, protocol, frame, ecn);
    else this.#writeHeader6(path, protocol, frame, ecn);
    this.#counters.sent += 1;
    hop.netInterface.device.transmit(frame);
  }

  #writeHeader4(path: Path, protocol: number, frame: Frame, ecn: number): void {
    const totalBytes = frame.length + 20;
    const start = frame.start - 20;
    const { view } = frame;
    this.#identification = (this.#identification + 1) & 0xffff;
    const first = 0x4500 | ecn;
    const lifeAndProtocol = (this.#hopLimit << 8) | protocol;
    const dontFragment = 0x4000;
    const sum = first + totalBytes + this.#identification + dontFragment + lifeAndProtocol + path.addressSum;
    view.setInt32(start, (first << 16) | totalBytes);
    view.setInt32(start + 4, (this.#identification << 16) | dontFragment);
    view.setInt32(start + 8, (lifeAndProtocol << 16) | checksumOf(sum));
    view.setInt32(start + 12, path.source.d);
    view.setInt32(start + 16, path.destination.d);
    frame.start = start;
  }

  #writeHeader6({ source, destination }: Path, protocol: number, frame: Frame, ecn: number): void {
    const payloadBytes = frame.length;
    const start = frame.start - 40;
    const { view } = frame;
    view.setInt32(start, 0x6000_0000 | (ecn << 20));
    view.setInt32(start + 4, (payloadBytes << 16) | (protocol << 8) | this.#hopLimit);
    view.setInt32(start + 8, source.a);
    view.setInt32(start + 12, source.b);
    view.setInt32(start + 16, source.c);
    view.setInt32(start + 20, source.d);
    view.setInt32(start + 24, destination.a);
    view.setInt32(start + 28, destination.b);
    view.setInt32(start + 32, destination.c);
    view.setInt32(start + 36, destination.d);
    frame.start = start;
  }
}
