/**
 * The shell commands of scripts as settings of the stack. `defaults.sh`, with which nearly all scripts begin,
 * is the constant profile below; the rest are sysctls of Linux, of which those are known that a profile can
 * express and those that mean nothing to a stack without segmentation offload, pacing and autotuning.
 */
import { PROFILES, type TcpProfile } from '#src/netstack/profile.js';
import { UnknownLine } from './tokens.js';

/** Buffers as large as Linux grows them: no script of those that are played waits for autotuning. */
const SEND_BUFFER_BYTES = 4_194_304;
const RECEIVE_WINDOW_BYTES = 540_000;

export type Changes = Partial<{ -readonly [Field in keyof TcpProfile]: TcpProfile[Field] }>;

/** What `defaults.sh` sets. */
export const DEFAULTS: TcpProfile = {
  ...PROFILES.linux.tcp,
  sendBufferBytes: SEND_BUFFER_BYTES,
  receiveWindowBytes: RECEIVE_WINDOW_BYTES,
  synRetransmissions: 5,
  synAckRetransmissions: 5,
  restartsAfterIdle: false,
};

/** Sysctls of `net.ipv4` that change a profile. */
const SYSCTLS: Readonly<Record<string, (value: string) => Changes>> = {
  tcp_timestamps: (value) => ({ timestamps: value !== '0' }),
  tcp_sack: (value) => ({ sack: value !== '0' }),
  tcp_window_scaling: (value) => (value === '0' ? { windowScale: undefined } : {}),
  tcp_syn_retries: (value) => ({ synRetransmissions: Number(value) }),
  tcp_synack_retries: (value) => ({ synAckRetransmissions: Number(value) }),
  tcp_retries2: (value) => ({ maxRetransmissions: Number(value) }),
  tcp_fin_timeout: (value) => ({ finWait2Ms: Number(value) * 1000 }),
  tcp_congestion_control: (value) => ({ congestion: value === 'reno' ? 'reno' : 'cubic' }),
  tcp_slow_start_after_idle: (value) => ({ restartsAfterIdle: value !== '0' }),
  tcp_challenge_ack_limit: (value) => ({ challengeAcksPerSecond: Number(value) }),
};

/** Sysctls that change nothing of what a script can see of this stack. */
const WITHOUT_EFFECT = [
  ...['tcp_min_tso_segs', 'tcp_tso_win_divisor', 'tcp_pacing_ss_ratio', 'tcp_pacing_ca_ratio'],
  ...[
    'tcp_frto',
    'tcp_fack',
    'tcp_dsack',
    'tcp_syncookies',
    'tcp_ecn',
    'tcp_reordering',
    'tcp_no_metrics_save',
  ],
  ...['tcp_rmem', 'tcp_wmem', 'tcp_moderate_rcvbuf', 'tcp_autocorking', 'tcp_early_retrans', 'tcp_recovery'],
  ...['tcp_adv_win_scale', 'tcp_limit_output_bytes', 'tcp_comp_sack_nr'],
];

/** Commands that mean nothing to this stack. */
const IGNORED_COMMANDS = [
  /^\S*defaults\.sh$/,
  /^\/tmp\/sysctl_restore_/,
  /^#/,
  /^ethtool -K tun0 (tso|gso|gro) off/,
  /^tc qdisc (add|replace) dev tun0 root (p?fifo|fq)$/,
  // The detection of HyStart that Linux has by default.
  /^echo 3 > \/sys\/module\/tcp_cubic\/parameters\/hystart_detect$/,
];

function sysctl(assignment: string, line: number): Changes {
  const [path = '', value = ''] = assignment.split('=', 2);
  const name = path
    .replace(/^\/proc\/sys\//, '')
    .replaceAll('/', '.')
    .replace(/^net\.ipv4\./, '');
  const change = SYSCTLS[name];
  if (change !== undefined) return change(value.replaceAll('"', '').trim());
  if (!WITHOUT_EFFECT.includes(name)) throw new UnknownLine(line, `the sysctl ${name}`);
  return {};
}

/** Returns all changes together; a later one counts before an earlier one. */
export function merged(changes: readonly Changes[]): Changes {
  return changes.reduce((all, change) => ({ ...all, ...change }), {});
}

function command(text: string, line: number): Changes {
  if (IGNORED_COMMANDS.some((pattern) => pattern.test(text))) return {};
  const words = /^(?:sysctl(?: -[a-z])*|\S*set_sysctls\.py) (.+)$/.exec(text)?.[1];
  if (words === undefined) throw new UnknownLine(line, `the command ${text}`);
  const assignments = words.match(/[^\s=]+=("[^"]*"|\S+)/g) ?? [];
  return merged(assignments.map((assignment) => sysctl(assignment, line)));
}

/** Returns what the shell commands of a script change in the profile. */
export function changesOf(commands: string, line: number): Changes {
  const lines = commands
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .flatMap((text) => text.replace(/\s#.*/, '').split(';'))
    .map((text) => text.trim().replaceAll(/\s+/g, ' '))
    .filter((text) => text !== '');
  return merged(lines.map((text) => command(text, line)));
}
