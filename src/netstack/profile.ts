/**
 * The numbers of a host's TCP/IP: what makes it behave as Linux, as lwIP, or as an ESP32 does. Sources: Linux
 * 6.x `Documentation/networking/ip-sysctl.rst`; lwIP 2.1 `opt.h`; ESP-IDF `components/lwip` and its Kconfig.
 */

export interface TcpProfile {
  /** Bytes of the largest segment that is received; `undefined`: as the MTU admits. */
  readonly mss: number | undefined;
  /** Bytes that a connection takes to send, and that it receives before any is consumed. */
  readonly sendBufferBytes: number;
  readonly receiveWindowBytes: number;
  /** Segments that the send queue holds at most (lwIP: TCP_SND_QUEUELEN); `undefined`: bytes alone count. */
  readonly sendQueueSegments: number | undefined;
  /** Bytes by which the window must have opened before an update is sent; `undefined`: RFC 1122 §4.2.3.3. */
  readonly windowUpdateBytes: number | undefined;
  /** Shift of window scaling (RFC 7323 §2); `undefined`: off. */
  readonly windowScale: number | undefined;
  readonly timestamps: boolean;
  readonly sack: boolean;
  /**
   * Milliseconds of the two global ticks (lwIP: TCP_FAST_INTERVAL, TCP_SLOW_INTERVAL); `undefined`:
   * timers are exact.
   */
  readonly ticks: { readonly fastMs: number; readonly slowMs: number } | undefined;
  readonly initialRtoMs: number;
  readonly minRtoMs: number;
  readonly maxRtoMs: number;
  /** Retransmissions of data and FIN, of SYN, and of SYN-ACK before the connection fails. */
  readonly maxRetransmissions: number;
  readonly synRetransmissions: number;
  readonly synAckRetransmissions: number;
  /** True: the interval of SYNs doubles. lwIP sends them at the initial RTO without backoff. */
  readonly synBackoff: boolean;
  /**
   * Intervals of probes of a closed window in milliseconds; the last one repeats. `undefined`: as the
   * RTO.
   */
  readonly persistMs: readonly number[] | undefined;
  readonly maxPersistProbes: number | undefined;
  /**
   * Probes of a closed window after which a connection that its program has closed is given up, although the
   * peer answers, once they come as seldom as `maxRtoMs`; `undefined`: never.
   */
  readonly orphanProbes: number | undefined;
  /**
   * Longest delay of an acknowledgement (RFC 9293 §3.8.6.3), and full segments that are acknowledged at
   * once.
   */
  readonly delayedAckMs: number;
  readonly ackEverySegments: number;
  /** Segments at the start of a connection that are acknowledged at once. */
  readonly quickAcks: number;
  readonly timeWaitMs: number;
  /** Longest stay in LAST_ACK; `undefined`: retransmissions end it. */
  readonly lastAckMs: number | undefined;
  /** Longest stay in FIN_WAIT_2 once the program has closed the connection. */
  readonly finWait2Ms: number;
  /** Longest stay in SYN_RECEIVED; `undefined`: retransmissions end it. */
  readonly synReceivedMs: number | undefined;
  readonly keepAlive: { readonly idleMs: number; readonly intervalMs: number; readonly probes: number };
  /** Initial congestion window: `iw10` (RFC 6928) or `rfc3390`. */
  readonly initialWindow: 'iw10' | 'rfc3390';
  /** Bytes; `undefined`: no limit at first. */
  readonly initialSsthreshBytes: number | undefined;
  /** True: the congestion window is restarted after an idle time of an RTO (RFC 5681 §4.1). */
  readonly restartsAfterIdle: boolean;
  readonly congestion: 'cubic' | 'reno';
  /**
   * `rack`: RFC 8985 with PRR and SACK. `newreno`: RFC 6582. `lwip`: fast retransmit that ends with the first
   * new acknowledgement.
   */
  readonly recovery: 'rack' | 'newreno' | 'lwip';
  /** Connections at once, TIME_WAIT included as `exhaustion` says; `undefined`: no limit. */
  readonly maxConnections: number | undefined;
  readonly maxListeners: number | undefined;
  /**
   * The objects that count against `maxConnections`. `all`: connections, TIME_WAIT, listeners and
   * bound ones, and older ones make room. `pool`: all but listeners. `heap`: nothing.
   */
  readonly exhaustion: 'all' | 'pool' | 'heap';
  readonly backlog: number;
  /** Segments out of order that are kept; RTOs after which they are dropped. */
  readonly outOfOrderSegments: number | undefined;
  readonly outOfOrderRtos: number | undefined;
  /** Challenge ACKs (RFC 5961 §7) in a second; `Infinity`: no limit. */
  readonly challengeAcksPerSecond: number;
  /**
   * Ports that the host chooses from. `perDestination`: one port serves connections to several destinations
   * (RFC 6056 §3.3.4); else one at a time.
   */
  readonly ephemeralPorts: {
    readonly first: number;
    readonly last: number;
    readonly perDestination: boolean;
  };
}

export interface IpProfile {
  readonly hopLimit: number;
  /** True: IPv4 packets that fit carry Don't Fragment, so that routers report the path's MTU (RFC 1191). */
  readonly discoversPathMtu: boolean;
  /** ARP (lwIP: etharp.h). Times in milliseconds. */
  readonly arp: {
    readonly entries: number;
    readonly lifeMs: number;
    /** Time after which a pending request is given up. */
    readonly pendingMs: number;
    /** Ages at which an entry in use is asked for again: by broadcast, or once more. */
    readonly refreshMs: readonly [unicastMs: number, broadcastMs: number] | undefined;
    /** Packets that wait for an address. */
    readonly queuedPackets: number;
    /** Interval of gratuitous announcements; `undefined`: only when an address is set. */
    readonly gratuitousMs: number | undefined;
  };
  /** Neighbour discovery (RFC 4861). */
  readonly nd: { readonly neighbours: number; readonly queuedPackets: number };
  readonly reassembly:
    { readonly datagrams: number; readonly bytes: number; readonly lifeMs: number } | undefined;
}

export interface Profile {
  readonly name: string;
  readonly tcp: TcpProfile;
  readonly ip: IpProfile;
}

export type ProfileName = 'linux' | 'lwip' | 'esp32' | 'arduino';

const LINUX: Profile = {
  name: 'linux',
  tcp: {
    mss: undefined,
    sendBufferBytes: 131_072,
    receiveWindowBytes: 131_072,
    sendQueueSegments: undefined,
    windowUpdateBytes: undefined,
    windowScale: 8,
    timestamps: true,
    sack: true,
    ticks: undefined,
    initialRtoMs: 1000,
    minRtoMs: 200,
    maxRtoMs: 120_000,
    maxRetransmissions: 15,
    synRetransmissions: 6,
    synAckRetransmissions: 5,
    synBackoff: true,
    persistMs: undefined,
    maxPersistProbes: undefined,
    orphanProbes: 8,
    delayedAckMs: 40,
    ackEverySegments: 2,
    quickAcks: 16,
    timeWaitMs: 60_000,
    lastAckMs: undefined,
    finWait2Ms: 60_000,
    synReceivedMs: undefined,
    keepAlive: { idleMs: 7_200_000, intervalMs: 75_000, probes: 9 },
    initialWindow: 'iw10',
    initialSsthreshBytes: undefined,
    restartsAfterIdle: true,
    congestion: 'cubic',
    recovery: 'rack',
    maxConnections: undefined,
    maxListeners: undefined,
    exhaustion: 'heap',
    backlog: 4096,
    outOfOrderSegments: undefined,
    outOfOrderRtos: undefined,
    challengeAcksPerSecond: 1000,
    ephemeralPorts: { first: 32_768, last: 60_999, perDestination: true },
  },
  ip: {
    hopLimit: 64,
    discoversPathMtu: true,
    arp: {
      entries: 1024,
      lifeMs: 60_000,
      pendingMs: 3000,
      refreshMs: undefined,
      queuedPackets: 101,
      gratuitousMs: undefined,
    },
    nd: { neighbours: 1024, queuedPackets: 101 },
    reassembly: { datagrams: 64, bytes: 4_194_304, lifeMs: 30_000 },
  },
};

const LWIP: Profile = {
  name: 'lwip',
  tcp: {
    mss: 536,
    sendBufferBytes: 1072,
    receiveWindowBytes: 2144,
    sendQueueSegments: 8,
    windowUpdateBytes: 536,
    windowScale: undefined,
    timestamps: false,
    sack: false,
    ticks: { fastMs: 250, slowMs: 500 },
    initialRtoMs: 3000,
    minRtoMs: 1500,
    maxRtoMs: 384_000,
    maxRetransmissions: 12,
    synRetransmissions: 6,
    synAckRetransmissions: 12,
    synBackoff: false,
    persistMs: [1500, 3000, 6000, 12_000, 24_000, 48_000, 60_000],
    maxPersistProbes: 12,
    orphanProbes: undefined,
    delayedAckMs: 250,
    ackEverySegments: 2,
    quickAcks: 0,
    timeWaitMs: 120_000,
    lastAckMs: 120_000,
    finWait2Ms: 20_000,
    synReceivedMs: 20_000,
    keepAlive: { idleMs: 7_200_000, intervalMs: 75_000, probes: 9 },
    initialWindow: 'rfc3390',
    initialSsthreshBytes: 1072,
    restartsAfterIdle: false,
    congestion: 'reno',
    recovery: 'lwip',
    maxConnections: 5,
    maxListeners: 8,
    exhaustion: 'pool',
    backlog: 255,
    outOfOrderSegments: undefined,
    outOfOrderRtos: 6,
    challengeAcksPerSecond: Number.POSITIVE_INFINITY,
    ephemeralPorts: { first: 49_152, last: 65_535, perDestination: false },
  },
  ip: {
    hopLimit: 255,
    discoversPathMtu: false,
    arp: {
      entries: 10,
      lifeMs: 300_000,
      pendingMs: 5000,
      refreshMs: [270_000, 285_000],
      queuedPackets: 3,
      gratuitousMs: undefined,
    },
    nd: { neighbours: 10, queuedPackets: 3 },
    reassembly: { datagrams: 5, bytes: 65_536, lifeMs: 15_000 },
  },
};

const ESP32: Profile = {
  name: 'esp32',
  tcp: {
    ...LWIP.tcp,
    mss: 1440,
    sendBufferBytes: 5760,
    receiveWindowBytes: 5760,
    sendQueueSegments: 16,
    windowUpdateBytes: 1440,
    initialRtoMs: 1500,
    maxRtoMs: 192_000,
    synRetransmissions: 12,
    initialSsthreshBytes: 5760,
    maxConnections: 16,
    maxListeners: 16,
    exhaustion: 'all',
    outOfOrderSegments: 4,
  },
  ip: {
    ...LWIP.ip,
    hopLimit: 64,
    arp: { ...LWIP.ip.arp, gratuitousMs: 60_000 },
    nd: { neighbours: 5, queuedPackets: 3 },
    reassembly: undefined,
  },
};

const ARDUINO: Profile = {
  ...ESP32,
  name: 'arduino',
  tcp: { ...ESP32.tcp, mss: 1436, initialRtoMs: 3000, maxRtoMs: 384_000, synRetransmissions: 6 },
};

export const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  linux: LINUX,
  lwip: LWIP,
  esp32: ESP32,
  arduino: ARDUINO,
};
