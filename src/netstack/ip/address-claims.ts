/**
 * Finds out if another host of the link has an address before this one uses it: RFC 5227 §2.1 for IPv4, RFC
 * 4862 §5.4 for IPv6. Until then the address is tentative: it sends and receives nothing but this question.
 */
import { Timer } from '../../support/timers.js';
import type { Address } from '../wire/address.js';
import type { IpContext } from './context.js';
import type { EthernetLink } from './ethernet-link.js';
import type { NetInterface } from './net-interface.js';
import type { Prefix } from './prefix.js';

interface ClaimRules {
  /** Milliseconds before the first probe at most, by chance. */
  readonly firstMs: number;
  readonly probes: number;
  /** Milliseconds between two probes: at least, and added by chance. */
  readonly intervalMs: number;
  readonly jitterMs: number;
  /** Milliseconds after the last probe. */
  readonly waitMs: number;
}

/** PROBE_WAIT, PROBE_NUM, PROBE_MIN, PROBE_MAX and ANNOUNCE_WAIT of RFC 5227 §1.1. */
const RULES4: ClaimRules = { firstMs: 1000, probes: 3, intervalMs: 1000, jitterMs: 1000, waitMs: 2000 };
/** MAX_RTR_SOLICITATION_DELAY, DupAddrDetectTransmits and RetransTimer (RFC 4862 §5.1, §5.4.2). */
const RULES6: ClaimRules = { firstMs: 1000, probes: 1, intervalMs: 1000, jitterMs: 0, waitMs: 1000 };

interface Claim {
  readonly prefix: Prefix;
  readonly timer: Timer;
  readonly onWon: () => void;
  probes: number;
}

/** The addresses that one interface wants. */
export class AddressClaims {
  readonly #context: IpContext;
  readonly #netInterface: NetInterface;
  readonly #link: EthernetLink;
  readonly #claims: Claim[] = [];

  constructor(context: IpContext, netInterface: NetInterface, link: EthernetLink) {
    this.#context = context;
    this.#netInterface = netInterface;
    this.#link = link;
    const lose = (address: Address): void => {
      if (this.cancel(address)) netInterface.removeAddress(address);
    };
    link.arp.onConflict = lose;
    link.nd.onConflict = lose;
  }

  /**
   * Asks for an address; nothing happens if it is asked for already.
   * @param onWon called once no other host has answered; never if one has.
   * @returns false if the interface has too many addresses.
   */
  claim(prefix: Prefix, onWon: () => void): boolean {
    if (this.#netInterface.isTentative(prefix.address)) return true;
    if (!this.#netInterface.addTentative(prefix)) return false;
    const due = (): void => {
      this.#due(claim);
    };
    const claim: Claim = { prefix, timer: new Timer({ due }), onWon, probes: 0 };
    this.#claims.push(claim);
    this.#armIn(claim, this.#context.random() * rulesOf(prefix).firstMs);
    return true;
  }

  /** Gives up asking for an address. Returns false if it was not asked for. */
  cancel(address: Address): boolean {
    const index = this.#claims.findIndex(({ prefix }) => prefix.address.equals(address));
    const claim = this.#claims[index];
    if (claim === undefined) return false;
    this.#context.timers.disarm(claim.timer);
    this.#claims.splice(index, 1);
    return true;
  }

  #armIn(claim: Claim, ms: number): void {
    this.#context.timers.arm(claim.timer, this.#context.clock.nowMs() + ms);
  }

  #due(claim: Claim): void {
    const rules = rulesOf(claim.prefix);
    const { address, family } = claim.prefix;
    if (claim.probes >= rules.probes) {
      this.#claims.splice(this.#claims.indexOf(claim), 1);
      claim.onWon();
      return;
    }
    claim.probes += 1;
    if (family === 4) this.#link.arp.probe(address);
    else this.#link.nd.probe(address);
    const intervalMs = rules.intervalMs + this.#context.random() * rules.jitterMs;
    this.#armIn(claim, claim.probes < rules.probes ? intervalMs : rules.waitMs);
  }
}

function rulesOf({ family }: Prefix): ClaimRules {
  return family === 4 ? RULES4 : RULES6;
}
