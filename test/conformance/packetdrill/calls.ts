/** The system calls of a script. Each returns an attempt, which is repeated until it has an outcome. */
import type { TcpApi, TcpSocket } from '#src/netstack/raw-api.js';
import type { Address } from '#src/netstack/wire/address.js';
import { Descriptor, ERROR_OF_REFUSAL, type Outcome } from './descriptor.js';
import { ScriptFailure } from './failure.js';
import type { CallLine, Value } from './script.js';
import { getOption, setOption } from './socket-options.js';
import { UnknownLine } from './tokens.js';

/** What calls need of the player. */
export interface Surroundings {
  readonly tcp: TcpApi;
  readonly localAddress: Address;
  readonly remoteAddress: Address;
  readonly localPort: number;
  readonly remotePort: number;
  /** The script's next packets belong to a socket that a call has made, or that listens, or that connects. */
  onSocket(): void;
  onListening(): void;
  onConnecting(socket: TcpSocket): void;
  onAccepted(socket: TcpSocket): void;
}

export interface Attempt {
  try(): Outcome;
  /** True: an attempt without an outcome is EAGAIN. */
  readonly isNonBlocking: boolean;
}

const SHUT = ['SHUT_RD', 'SHUT_WR', 'SHUT_RDWR'] as const;

function numberOf(value: Value | undefined): number | undefined {
  return value?.kind === 'number' ? value.value : undefined;
}

function namesOf(value: Value | undefined): readonly string[] {
  return value?.kind === 'names' ? value.names : [];
}

/** Returns the bytes of the pieces of a message: `{msg_iov(2)=[{..., 40}, {..., 20}]}`. */
function messageLength(message: Value | undefined): number | undefined {
  const pieces = message?.kind === 'struct' ? message.fields.get('msg_iov') : undefined;
  if (message?.kind !== 'struct' || message.fields.has('msg_control') || pieces?.kind !== 'list')
    return undefined;
  const lengths = pieces.items.map((piece) =>
    piece.kind === 'struct' ? numberOf(piece.items[1]) : undefined,
  );
  return lengths.reduce<number | undefined>(
    (sum, length) => (sum === undefined || length === undefined ? undefined : sum + length),
    0,
  );
}

export class Calls {
  readonly #around: Surroundings;
  readonly #descriptors = new Map<number, Descriptor>();

  constructor(around: Surroundings) {
    this.#around = around;
  }

  begin(line: CallLine, number: number): Attempt {
    const { name, args } = line;
    const unknown = (what: string): UnknownLine => new UnknownLine(number, what);
    const at = (attempt: () => Outcome, isNonBlocking = true): Attempt => ({ try: attempt, isNonBlocking });
    if (name === 'socket') return at(() => this.#socket(line));
    const descriptor = this.#descriptors.get(numberOf(args[0]) ?? -1);
    if (descriptor === undefined) throw unknown(`${name} of a descriptor that no call has made`);
    const { isNonBlocking } = descriptor;
    switch (name) {
      case 'bind':
        descriptor.boundPort = this.#around.localPort;
        return at(() => 0);
      case 'listen':
        return at(() => this.#listen(descriptor, numberOf(args[1]) ?? 0));
      case 'accept':
        return at(() => this.#accept(descriptor, line), isNonBlocking);
      case 'connect':
        if (args[1]?.kind !== 'any') throw unknown('connect to an address of its own');
        return this.#connect(descriptor);
      case 'close':
        return at(() => this.#close(descriptor, numberOf(args[0]) ?? -1));
      case 'shutdown':
        return at(() => descriptor.shutdown(SHUT.find((how) => namesOf(args[1])[0] === how) ?? 'SHUT_RDWR'));
      case 'fcntl':
        return at(() => fcntl(descriptor, args));
      case 'ioctl':
        return at(() => ioctl(descriptor, args, number));
      case 'setsockopt':
      case 'getsockopt':
        return at(() => option(descriptor, name, args, number));
      default:
        return transfer(descriptor, line, number);
    }
  }

  /** Tells the descriptors that a segment has arrived. */
  noteArrival(): void {
    for (const descriptor of this.#descriptors.values()) descriptor.releaseMore();
  }

  #socket({ args, result }: CallLine): Outcome {
    const fd = numberOf(result);
    if (fd === undefined || fd < 0) return 'EPROTONOSUPPORT';
    const descriptor = new Descriptor();
    descriptor.isNonBlocking = namesOf(args[1]).includes('SOCK_NONBLOCK');
    this.#descriptors.set(fd, descriptor);
    this.#around.onSocket();
    return fd;
  }

  #listen(descriptor: Descriptor, backlog: number): Outcome {
    const { localPort: port, localAddress: address } = this.#around;
    const listener = this.#around.tcp.listen({ address, port, backlog });
    if (typeof listener === 'string') return ERROR_OF_REFUSAL[listener];
    descriptor.listener = listener;
    this.#around.onListening();
    return 0;
  }

  #accept(descriptor: Descriptor, { result }: CallLine): Outcome {
    const connection = descriptor.listener?.accept();
    if (connection === undefined) return descriptor.listener === undefined ? 'EINVAL' : undefined;
    const fd = numberOf(result) ?? -1;
    const accepted = new Descriptor();
    accepted.inherit(descriptor);
    accepted.setConnection(connection);
    this.#descriptors.set(fd, accepted);
    this.#around.onAccepted(connection);
    return fd;
  }

  #connect(descriptor: Descriptor): Attempt {
    const { isNonBlocking } = descriptor;
    if (descriptor.isConnecting) {
      return { try: () => descriptor.connected() ?? 'EALREADY', isNonBlocking: true };
    }
    const begin = (): Outcome => {
      if (descriptor.connection !== undefined) return descriptor.connected() === 0 ? 'EISCONN' : undefined;
      const { remoteAddress: address, remotePort: port } = this.#around;
      const localPort = descriptor.boundPort;
      const connection = this.#around.tcp.connect({ address, port, localPort });
      if (typeof connection === 'string') return ERROR_OF_REFUSAL[connection];
      descriptor.setConnection(connection);
      descriptor.isConnecting = true;
      this.#around.onConnecting(connection);
      return isNonBlocking ? 'EINPROGRESS' : undefined;
    };
    return { try: () => (descriptor.isConnecting ? descriptor.connected() : begin()), isNonBlocking };
  }

  #close(descriptor: Descriptor, fd: number): Outcome {
    descriptor.close();
    this.#descriptors.delete(fd);
    return 0;
  }
}

function fcntl(descriptor: Descriptor, args: readonly Value[]): Outcome {
  const command = namesOf(args[1])[0];
  if (command === 'F_GETFL') return descriptor.isNonBlocking ? 0x802 : 2;
  descriptor.isNonBlocking = namesOf(args[2]).includes('O_NONBLOCK');
  return 0;
}

function ioctl(descriptor: Descriptor, args: readonly Value[], number: number): Outcome {
  const request = namesOf(args[1])[0];
  const expected = args[2]?.kind === 'list' ? numberOf(args[2].items[0]) : undefined;
  const { connection } = descriptor;
  if (connection === undefined) return 'ENOTCONN';
  const figures: Readonly<Record<string, () => number>> = {
    SIOCINQ: () => connection.readable(),
    SIOCOUTQ: () => connection.unacknowledged(),
  };
  const seen = figures[request ?? '']?.();
  if (seen === undefined) throw new UnknownLine(number, `ioctl ${request ?? ''}`);
  if (seen !== expected)
    throw new ScriptFailure(number, `${request ?? ''} is ${seen}, not ${expected ?? 'given'}`);
  return 0;
}

function option(descriptor: Descriptor, name: string, args: readonly Value[], number: number): Outcome {
  const option = namesOf(args[2])[0] ?? '';
  if (name === 'setsockopt') {
    if (!setOption(descriptor, option, args[3])) throw new UnknownLine(number, `the socket option ${option}`);
    return 0;
  }
  const found = getOption(descriptor, option, args[3]);
  if (found === undefined) throw new UnknownLine(number, `the socket option ${option}`);
  if (found.seen !== found.expected) {
    throw new ScriptFailure(number, `${option} is ${found.seen}, not ${found.expected}`);
  }
  return 0;
}

/** Flags of `send` and `recv` that are known. */
const TRANSFER_FLAGS = ['MSG_MORE', 'MSG_DONTWAIT', 'MSG_NOSIGNAL'];

/** Begins a call that reads or writes. */
function transfer(descriptor: Descriptor, { name, args }: CallLine, number: number): Attempt {
  const isMessage = name === 'sendmsg' || name === 'recvmsg';
  const flags = namesOf(args[isMessage ? 2 : 3]);
  if (flags.some((flag) => !TRANSFER_FLAGS.includes(flag))) {
    throw new UnknownLine(number, `${name} with ${flags.join(' | ')}`);
  }
  const length = isMessage ? messageLength(args[1]) : numberOf(args[2]);
  if (length === undefined) throw new UnknownLine(number, `${name} with such arguments`);
  const isNonBlocking = descriptor.isNonBlocking || flags.includes('MSG_DONTWAIT');
  const isFault = namesOf(args[1])[0] === 'NULL' && length > 0;
  if (['read', 'recv', 'recvfrom', 'recvmsg'].includes(name)) {
    return { try: () => (isFault ? 'EFAULT' : descriptor.read(length)), isNonBlocking };
  }
  if (!['write', 'send', 'sendto', 'sendmsg'].includes(name))
    throw new UnknownLine(number, `the call ${name}`);
  if (isFault) return { try: () => 'EFAULT', isNonBlocking };
  let written = 0;
  const attempt = (): Outcome => {
    const outcome = descriptor.write(length - written, flags.includes('MSG_MORE'));
    if (typeof outcome !== 'number') return outcome ?? (isNonBlocking && written > 0 ? written : undefined);
    written += outcome;
    return written === length || isNonBlocking ? written : undefined;
  };
  return { try: attempt, isNonBlocking };
}
