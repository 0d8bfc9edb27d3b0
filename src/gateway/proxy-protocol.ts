/** The PROXY protocol on a server: the header before each connection of a trusted proxy. */
import { coreOf, type AsyncClient } from '../asynctcp/async-client.js';
import { checkInteger, checkNumber, checkOptions, MAX_TIMEOUT_S, show } from '../asynctcp/check.js';
import type { Preamble, PreambleReader } from '../asynctcp/preamble.js';
import type { Endpoint } from '../port/tcp-stack.js';
import { AddressSet } from './address-set.js';
import { ProxyCounts, type ProxyFigures } from './proxy-counts.js';
import { V2_FIXED_BYTES, V2_MOST_BLOCK_BYTES, type ProxyHeader } from './proxy-header.js';
import { ProxyReader } from './proxy-reader.js';

/** Time for a header if the program sets no other, in milliseconds: a lost segment costs 3 s (§2). */
export const DEFAULT_HEADER_TIMEOUT_MS = 5000;

/** Most bytes of a header if the program sets no other number. */
export const DEFAULT_HEADER_BYTES = 4096;

/** The protocol's own limit: a header fits in the smallest segment (§2). */
const LEAST_HEADER_BYTES = 536;
const MOST_HEADER_BYTES = V2_FIXED_BYTES + V2_MOST_BLOCK_BYTES;

/** Options of `proxyProtocol`. */
export interface ProxyProtocolOptions {
  /**
   * Addresses and blocks of the proxies that are believed, such as `['10.0.0.0/8', '::1']`, 1 to 1024 of
   * them, without zones, blocks of IPv4 in its own form. Each of their connections begins with a header.
   */
  trusted: readonly string[];
  /**
   * Treatment of a connection from another address. `refuse` (default): it is reset. `serve`: it is a client
   * at once, under its own address; a header that it sends is data to the program.
   */
  untrusted?: 'refuse' | 'serve' | undefined;
  /** Milliseconds within which the header must be complete, 1 to 86400000. Default 5000. */
  timeoutMs?: number | undefined;
  /**
   * Most bytes of a header of version 2, 536 to 65551. Default 4096. One of version 1 has at most 107.
   */
  maxBytes?: number | undefined;
}

/** The header of a client, and the proxy from which it came. */
export interface ProxyInfo extends ProxyHeader {
  /** The proxy's end of the connection. */
  readonly proxy: Endpoint;
  /** This side's end of the connection. */
  readonly local: Endpoint;
}

/** The object that `proxyProtocol` returns: it reads the headers of a server's connections. */
export class ProxyProtocol implements Preamble {
  readonly timeoutMs: number;
  readonly #maxBytes: number;
  readonly #trusted: AddressSet;
  readonly #serves: boolean;
  readonly #counts = new ProxyCounts();

  constructor(options: ProxyProtocolOptions) {
    checkOptions(options);
    const { untrusted = 'refuse', timeoutMs = DEFAULT_HEADER_TIMEOUT_MS, maxBytes } = options;
    this.#trusted = new AddressSet('trusted', options.trusted);
    if (!['refuse', 'serve'].includes(untrusted)) {
      throw new RangeError(`untrusted must be "refuse" or "serve", not ${show(untrusted)}`);
    }
    this.#serves = untrusted === 'serve';
    this.timeoutMs = checkNumber('timeoutMs', timeoutMs, 1, MAX_TIMEOUT_S * 1000, ' ms');
    this.#maxBytes = checkInteger(
      'maxBytes',
      maxBytes ?? DEFAULT_HEADER_BYTES,
      LEAST_HEADER_BYTES,
      MOST_HEADER_BYTES,
      ' bytes',
    );
  }

  /** Called by a server. */
  begin(_local: Endpoint, { address }: Endpoint): PreambleReader | 'none' | 'refuse' {
    if (this.#trusted.has(address)) return new ProxyReader(this.#counts, this.#maxBytes, address);
    if (this.#serves) return 'none';
    this.#counts.refused(address, 'untrusted', 'the address is not trusted');
    return 'refuse';
  }

  /** Returns the counts at this moment. */
  figures(): ProxyFigures {
    return this.#counts.figures();
  }
}

/**
 * Returns the option `preamble` of a server behind proxies: each connection of a trusted address begins with
 * a header of the PROXY protocol, of version 1 or 2, and `remoteIP()`, `localIP()` and the ports of its
 * client are those of the header. `onClient` is called when the header is complete. A header that is
 * malformed, too long or late resets the connection. One object may serve several servers.
 * @throws TypeError, RangeError for options that are missing or out of range.
 */
export function proxyProtocol(options: ProxyProtocolOptions): ProxyProtocol {
  return new ProxyProtocol(options);
}

/**
 * Returns the header that came before an accepted client, also after the client's end; `undefined` for a
 * client without one.
 */
export function proxyInfo(client: AsyncClient): ProxyInfo | undefined {
  const core = coreOf(client);
  const { passedOn } = core.session?.ends() ?? core.lastEnds;
  if (passedOn === undefined || !isHeader(passedOn.details)) return undefined;
  const { remote, local } = passedOn.own;
  return { ...passedOn.details, proxy: plain(remote), local: plain(local) };
}

/** An end without what a stack keeps in it. */
function plain({ address, port }: Endpoint): Endpoint {
  return { address, port };
}

/** Another preamble's details are not a header. */
function isHeader(details: unknown): details is ProxyHeader {
  return typeof details === 'object' && details !== null && 'command' in details && 'tlvs' in details;
}
