/**
 * The rule by which a public script counts as applicable: it tests TCP as an RFC has it, by segments and by
 * the calls that every program of BSD's sockets has. A script that needs one of the following is left out,
 * with the first reason that fits.
 */

const REASONS: readonly (readonly [RegExp, string])[] = [
  [/\bFO(EXP)?\b|FASTOPEN|tcp_fastopen/, 'TCP Fast Open is not built'],
  [/ZEROCOPY/, "MSG_ZEROCOPY is Linux's"],
  [/\bpsp\b/i, 'PSP encrypts segments'],
  [/\bmd5\b/, 'the MD5 option (RFC 2385) is not built'],
  [/SO_TIMESTAMPING|SO_TIMESTAMP\b/, "timestamps of packets in programs are Linux's"],
  [/\b(e?poll)(_create|_ctl|_wait)?\d?\(/, 'poll and epoll watch descriptors, not TCP'],
  [/TCP_INQ|TCP_CM_INQ/, "TCP_INQ is Linux's"],
  [/MSG_EOR/, "MSG_EOR is Linux's for streams"],
  [/\b(sendfile|splice|pipe|open|tee)\(/, 'files and pipes'],
  [/NOTSENT_LOWAT/i, "TCP_NOTSENT_LOWAT is Linux's"],
  [
    /tcpi_(rwnd_limited|busy_time|sndbuf_limited|last_data_recv|delivered)/,
    "figures that Linux's sockets keep",
  ],
  [/\bNULL\b/, "pointers that are wrong are the kernel's business"],
  [/tcp_mtu_probing/, 'probing of the MTU (RFC 4821) is not built'],
  [/limit 0\b|netem|iptables|nft\b/, "a filter or a full queue of Linux's devices"],
  [
    /\bAF_UNSPEC\b|TCP_REPAIR|TCP_SYNCNT|SO_MARK|TCP_DEFER_ACCEPT|TCP_QUICKACK|TCP_RTO_/,
    "socket options that are Linux's",
  ],
  [/\bMPTCP|mptcp|sctp|udp\b|icmp\b/, 'protocols other than TCP'],
];

/** Returns the reason for which a script does not count; `undefined` if it counts. */
export function whyNotApplicable(source: string): string | undefined {
  const code = source.replaceAll(/\/\/[^\n]*/g, '');
  return REASONS.find(([pattern]) => pattern.test(code))?.[1];
}
