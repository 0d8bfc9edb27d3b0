/** Names of a network's hosts, as programs look them up. */

export interface NodeLookupOptions {
  /** True: the answer has all addresses. */
  readonly all?: boolean | undefined;
  /** 4 or 6: the answer has addresses of this family alone. */
  readonly family?: number | string | undefined;
}

/** An address and its family, or a list of them. */
export type NodeLookupAnswer = (
  error: Error | null,
  address: string | { address: string; family: number }[],
  family?: number,
) => void;

interface NamedHost {
  readonly name: string;
  readonly allAddresses: readonly string[];
}

/** Returns the addresses of a name: that of a host, or `localhost`. None: nothing has the name. */
export function addressesOf(name: string, hosts: ReadonlyMap<string, NamedHost>): readonly string[] {
  const host = hostNamed(name, hosts);
  if (host !== undefined) return host.allAddresses;
  return name === 'localhost' ? ['127.0.0.1', '::1'] : [];
}

/** Returns the host of a name as programs write it: URLs have small letters alone, mDNS adds `.local`. */
function hostNamed(name: string, hosts: ReadonlyMap<string, NamedHost>): NamedHost | undefined {
  const plain = name.replace(/\.$/, '');
  const short = plain.replace(/\.local$/i, '');
  const found = hosts.get(plain) ?? hosts.get(short);
  if (found !== undefined) return found;
  const small = [plain, short].map((text) => text.toLowerCase());
  return [...hosts.values()].find((host) => small.includes(host.name.toLowerCase()));
}

/** Answers as `dns.lookup` does; `options` are those of the call, or the family alone. */
export function answerAsNode(
  name: string,
  addresses: readonly string[],
  options: unknown,
  answer: NodeLookupAnswer,
): void {
  const { all, family } =
    typeof options === 'object' && options !== null
      ? (options as NodeLookupOptions)
      : { all: false, family: options };
  const wanted = /^(?:IPv)?([46])$/.exec(String(family))?.[1];
  const found = addresses
    .map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    .filter((one) => wanted === undefined || one.family === Number(wanted));
  const [first] = found;
  if (first === undefined) answer(notFound(name), '', 0);
  else if (all === true) answer(null, found);
  else answer(null, first.address, first.family);
}

function notFound(hostname: string): Error {
  const [code, syscall] = ['ENOTFOUND', 'getaddrinfo'];
  return Object.assign(new Error(`${syscall} ${code} ${hostname}`), { code, syscall, hostname });
}
