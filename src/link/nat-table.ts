/**
 * The sessions of a NAT by what their packets have inside, and by what they have outside. A look-up takes
 * numbers and makes nothing, because each packet needs one.
 */

/** Chains of one table: as many as there are sessions at most. */
const CHAINS = 16_384;

/** The ends of a packet: of ICMP the identifier stands for the inner port, and the remote port is 0. */
export interface NatEnds {
  readonly protocol: number;
  readonly address: number;
  readonly port: number;
  readonly remoteAddress: number;
  readonly remotePort: number;
}

/** One of the two keys of a session. */
export class NatKey<Session> implements NatEnds {
  readonly protocol: number;
  readonly address: number;
  readonly port: number;
  readonly remoteAddress: number;
  readonly remotePort: number;
  readonly session: Session;
  /** The next one of the chain. Only the table writes it. */
  next: NatKey<Session> | undefined;

  constructor({ protocol, address, port, remoteAddress, remotePort }: NatEnds, session: Session) {
    this.protocol = protocol;
    this.address = address;
    this.port = port;
    this.remoteAddress = remoteAddress;
    this.remotePort = remotePort;
    this.session = session;
  }
}

export class NatTable<Session> {
  #chains: (NatKey<Session> | undefined)[] = [];

  /** Returns the session with these ends. */
  find(
    protocol: number,
    address: number,
    port: number,
    remoteAddress: number,
    remotePort: number,
  ): Session | undefined {
    let key = this.#chains[chainOf(protocol, address, port, remoteAddress, remotePort)];
    while (key !== undefined) {
      const isSame =
        key.port === port &&
        key.remotePort === remotePort &&
        key.remoteAddress === remoteAddress &&
        key.address === address &&
        key.protocol === protocol;
      if (isSame) return key.session;
      key = key.next;
    }
    return undefined;
  }

  add(key: NatKey<Session>): void {
    const chain = chainOfKey(key);
    key.next = this.#chains[chain];
    this.#chains[chain] = key;
  }

  remove(key: NatKey<Session>): void {
    const chain = chainOfKey(key);
    let before: NatKey<Session> | undefined;
    for (let other = this.#chains[chain]; other !== undefined; other = other.next) {
      if (other === key) {
        if (before === undefined) this.#chains[chain] = key.next;
        else before.next = key.next;
        return;
      }
      before = other;
    }
  }

  clear(): void {
    this.#chains = [];
  }
}

function chainOfKey({ protocol, address, port, remoteAddress, remotePort }: NatEnds): number {
  return chainOf(protocol, address, port, remoteAddress, remotePort);
}

/** Mixes the words (Murmur3's finalizer). */
function chainOf(
  protocol: number,
  address: number,
  port: number,
  remoteAddress: number,
  remotePort: number,
): number {
  let hash = address ^ Math.imul(remoteAddress, 0x9e37_79b1) ^ (port << 16) ^ remotePort ^ (protocol << 8);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) & (CHAINS - 1);
}
