/**
 * Writes packets as pcapng (draft-ietf-opsawg-pcapng), which Wireshark and tshark read: one section, whose
 * interfaces are declared when they are first used, with times in nanoseconds.
 */

const SECTION_HEADER = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION = 1;
const ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b_3c4d;

/** Codes of options (§3.5, §4.1, §4.2, §4.3). */
const OPT_COMMENT = 1;
const SHB_USERAPPL = 4;
const IF_NAME = 2;
const IF_TSRESOL = 9;
const EPB_FLAGS = 2;
/** Times are powers of ten of a second: 10⁻⁹. */
const NANOSECONDS = 9;

/** Link types (draft-ietf-opsawg-pcaplinktype): Ethernet, and raw IP of both families. */
export const LinkType = { ETHERNET: 1, RAW: 101 } as const;

/** Takes the bytes of a capture: a file's stream, or a function. */
export type CaptureSink = ((bytes: Uint8Array) => void) | { write(bytes: Uint8Array): unknown };

export type PacketFlow = 'inbound' | 'outbound' | undefined;

const FLOW_BITS = { inbound: 1, outbound: 2 } as const;

export class PcapngWriter {
  readonly #write: (bytes: Uint8Array) => void;
  readonly #epochNs: bigint;
  #interfaces = 0;

  /**
   * Writes the header of the section.
   * @param epochMs time of day at the network's start, in milliseconds since 1970.
   */
  constructor(sink: CaptureSink, comment: string, epochMs: number) {
    this.#write =
      typeof sink === 'function'
        ? sink
        : (bytes): void => {
            sink.write(bytes);
          };
    this.#epochNs = BigInt(epochMs) * 1_000_000n;
    const header = new Block(SECTION_HEADER);
    header.word(BYTE_ORDER_MAGIC);
    // Version 1.0, and a section of unknown length.
    header.word(1);
    header.word(0xffff_ffff);
    header.word(0xffff_ffff);
    header.textOption(OPT_COMMENT, comment);
    header.textOption(SHB_USERAPPL, 'asynctcp');
    this.#write(header.end());
  }

  /** Declares an interface and returns its number. */
  addInterface(name: string, linkType: number): number {
    const block = new Block(INTERFACE_DESCRIPTION);
    block.word(linkType);
    block.word(0);
    block.textOption(IF_NAME, name);
    block.option(IF_TSRESOL, Uint8Array.of(NANOSECONDS));
    this.#write(block.end());
    this.#interfaces += 1;
    return this.#interfaces - 1;
  }

  writePacket(
    interfaceId: number,
    atNs: number,
    packet: Uint8Array,
    flow: PacketFlow,
    comment?: string,
  ): void {
    const time = this.#epochNs + BigInt(atNs);
    const block = new Block(ENHANCED_PACKET);
    block.word(interfaceId);
    block.word(Number(time >> 32n));
    block.word(Number(time & 0xffff_ffffn));
    block.word(packet.length);
    block.word(packet.length);
    block.bytes(packet);
    if (comment !== undefined) block.textOption(OPT_COMMENT, comment);
    if (flow !== undefined) block.option(EPB_FLAGS, Uint8Array.of(FLOW_BITS[flow], 0, 0, 0));
    this.#write(block.end());
  }
}

/** One block: its words are little-endian, its parts padded to words. */
class Block {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 8;
  #hasOptions = false;

  constructor(type: number) {
    this.#view.setUint32(0, type, true);
  }

  word(value: number): void {
    this.#grow(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  bytes(bytes: Uint8Array): void {
    const padded = Math.ceil(bytes.length / 4) * 4;
    this.#grow(padded);
    this.#bytes.set(bytes, this.#length);
    this.#length += padded;
  }

  option(code: number, value: Uint8Array): void {
    this.#hasOptions = true;
    this.#grow(4);
    this.#view.setUint16(this.#length, code, true);
    this.#view.setUint16(this.#length + 2, value.length, true);
    this.#length += 4;
    this.bytes(value);
  }

  textOption(code: number, text: string): void {
    this.option(code, new TextEncoder().encode(text));
  }

  /** Ends the options and the block; returns its bytes. */
  end(): Uint8Array {
    if (this.#hasOptions) this.word(0);
    const length = this.#length + 4;
    this.word(length);
    this.#view.setUint32(4, length, true);
    return this.#bytes.subarray(0, length);
  }

  #grow(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const grown = new Uint8Array(2 * (this.#length + bytes));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
