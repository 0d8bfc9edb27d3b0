/**
 * The contract suite's targets for the virtual stack: client, server and peer are three hosts on one link, in
 * virtual time.
 */
import type { Lookup } from 'asynctcp';
import { PROFILES, type Profile } from '#src/netstack/profile.js';
import type { CaseLimits, Env, Target } from '../contract/case.js';
import { PortPeer } from '../peers/port-peer.js';
import {
  IN_ONE_PROCESS,
  NO_URGENT_DATA,
  PEER_BUFFER_BYTES,
  runInProcess,
  type Machines,
} from './in-process.js';
import { VirtualWorld, type LinkHabits } from './virtual-world.js';

const { linux, esp32 } = PROFILES;

/** A link that loses nothing. */
const PERFECT: LinkHabits = { delayMs: 1, loss: 0, reorder: 0, reorderMs: 0, quietMs: 1000 };
/** Enough quiet for a segment that was lost twice. */
const LOSSY: LinkHabits = { delayMs: 1, loss: 0.02, reorder: 0.02, reorderMs: 3, quietMs: 5000 };

interface VirtualTargetOptions {
  readonly client?: Profile;
  readonly server?: Profile;
  readonly habits?: LinkHabits;
  readonly isIpv6?: boolean;
  readonly unmet?: Readonly<Record<string, string>>;
  readonly apart?: Readonly<Record<string, string>>;
}

interface Addresses {
  readonly client: readonly [string, string];
  readonly server: string;
  readonly peer: Env['peerAddresses'];
}

const IPV4: Addresses = {
  client: ['10.0.0.1', '10.0.0.11'],
  server: '10.0.0.2',
  peer: ['10.0.0.3', '10.0.0.4', '10.0.0.5'],
};
const IPV6: Addresses = {
  client: ['fd00::1', 'fd00::11'],
  server: 'fd00::2',
  peer: ['fd00::3', 'fd00::4', 'fd00::5'],
};

function virtualTarget(name: string, options: VirtualTargetOptions = {}): Target {
  return {
    name,
    unmet: { 'D1.urgent': NO_URGENT_DATA, ...options.unmet },
    apart: { ...IN_ONE_PROCESS, ...options.apart },
    run: (contractCase) =>
      runInProcess(contractCase, (limits, lookup) =>
        virtualMachines(`${name} ${contractCase.id}`, limits, lookup, options),
      ),
  };
}

function virtualMachines(
  seed: string,
  limits: CaseLimits,
  lookup: Lookup,
  { client = linux, server = linux, habits = PERFECT, isIpv6 = false }: VirtualTargetOptions,
): Machines {
  const addresses = isIpv6 ? IPV6 : IPV4;
  const world = new VirtualWorld(seed, habits);
  const withPrefix = (address: string): string => `${address}/${isIpv6 ? 64 : 24}`;
  const clientStack = world.host(addresses.client.map(withPrefix), {
    profile: client,
    stack: { ...limits, lookup },
  });
  const serverStack = world.host([addresses.server].map(withPrefix), {
    profile: server,
    stack: { ...limits, lookup },
  });
  const peerStack = world.host(addresses.peer.map(withPrefix), {
    profile: linux,
    stack: { sendBufferBytes: PEER_BUFFER_BYTES },
  });
  const [clientAddress, otherClientAddress] = addresses.client;
  return {
    address: addresses.server,
    clientAddress,
    otherClientAddress,
    peerAddresses: addresses.peer,
    clientStack,
    serverStack,
    clock: world.clock,
    peer: new PortPeer({
      stack: peerStack,
      address: addresses.peer[0],
      serverAddress: addresses.server,
      settle: () => world.settle(),
      cut: (where) => {
        world.cut(where);
      },
    }),
    settle: () => world.settle(),
    arrive: () => {
      world.arrive();
    },
    starve: () => {
      clientStack.isStarving = serverStack.isStarving = true;
      return () => {
        clientStack.isStarving = serverStack.isStarving = false;
      };
    },
  };
}

/** Cases that depend on neither the link nor the addresses' family. */
const OWN_APART = { 'L6.errors': 'the races are of a connection with itself' };

/** The clauses about networks need no more than one pair. */
export const virtual: Target = { ...virtualTarget('virtual × virtual'), hasNetworks: true };

export const virtualOnIpv6 = virtualTarget('virtual × virtual on IPv6', {
  isIpv6: true,
  apart: { ...OWN_APART, 'T5.famil': 'IPv4 addresses are wanted' },
});

export const virtualWithLoss = virtualTarget('virtual × virtual with loss and reordering', {
  habits: LOSSY,
  apart: {
    ...OWN_APART,
    'D3.across-clients': 'what was lost arrives behind what another client sent later',
  },
});

/** What an ESP32 cannot do as the client. */
const ESP32_CLIENT: VirtualTargetOptions = {
  client: esp32,
  unmet: {
    'D1.memory': 'a write has 100,000 bytes, and the send buffer 5760',
    'D3.across-clients': 'a write has 100,000 bytes, and the send buffer 5760',
    'D9.fin-wait':
      'lwIP gives FIN_WAIT_2 up by a clock of its own, the network’s, which runs ahead of the case’s',
    'M3.come-and-go': 'it makes 50 connections at once, and there are 16',
  },
  apart: {
    ...OWN_APART,
    'T2.slow-reader': 'the peer reads 200,000 bytes at a time, and the send buffer has 5760',
  },
};

/** What an ESP32 cannot do as the server. */
const ESP32_SERVER: VirtualTargetOptions = {
  server: esp32,
  unmet: {
    'L7.promises': 'its servers and connections are more than 16 together',
  },
  apart: OWN_APART,
};

export const esp32AsClient = virtualTarget('esp32 × virtual', ESP32_CLIENT);

export const esp32AsServer = virtualTarget('virtual × esp32', ESP32_SERVER);

export const esp32AsBoth = virtualTarget('esp32 × esp32', {
  client: esp32,
  server: esp32,
  unmet: { ...ESP32_CLIENT.unmet, ...ESP32_SERVER.unmet },
  apart: { ...ESP32_CLIENT.apart, ...ESP32_SERVER.apart },
});
