/** The contract suite's foreign peer: `peer.py` in a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Peer, PeerListener, PeerSocket } from '../contract/case.js';

const SCRIPT = fileURLToPath(new URL('../../../test/peers/peer.py', import.meta.url));

type Fields = Readonly<Record<string, string | number | boolean | null>>;

interface Answer {
  readonly id: number;
  readonly error?: string;
  readonly [field: string]: unknown;
}

/** The state of a connection in the peer's kernel. */
export interface PeerFacts {
  /** Bytes that have arrived in order, read or not. */
  readonly arrived: number;
  /** Bytes of the peer that were acknowledged; if the peer connected, its SYN counts as one. */
  readonly acknowledged: number;
  /** SO_RCVBUF, as the kernel rounded it. */
  readonly receiveBuffer: number;
  /** Segments with data that have arrived. */
  readonly segments: number;
}

export class PythonPeer implements Peer {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  readonly #address: string;
  #lastId = 0;

  constructor(address: string) {
    this.#address = address;
    this.#process = spawn('python3', ['-u', SCRIPT], { stdio: ['pipe', 'pipe', 'inherit'] });
    if (this.#process.stdout === null) throw new Error('the peer has no output');
    createInterface({ input: this.#process.stdout }).on('line', (line) => {
      const answer = JSON.parse(line) as Answer;
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
    this.#process.on('exit', () => {
      for (const [id, answer] of this.#waiting) answer({ id, error: 'the peer has ended' });
    });
  }

  /** Stops the peer's program (SIGSTOP); its kernel still receives. Requests are answered after `goOn`. */
  stop(): void {
    this.#process.kill('SIGSTOP');
  }

  goOn(): void {
    this.#process.kill('SIGCONT');
  }

  async end(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exited;
  }

  async ask(operation: string, fields: Fields): Promise<Answer> {
    const id = (this.#lastId += 1);
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.#process.stdin?.write(`${JSON.stringify({ id, do: operation, ...fields })}\n`);
    const answer = await answered;
    if (answer.error !== undefined) throw new Error(`the peer's ${operation}: ${answer.error}`);
    return answer;
  }

  async listen(options: Fields = {}): Promise<PythonListener> {
    const address = String(options['address'] ?? this.#address);
    const { handle, port } = await this.ask('listen', { address, ...options });
    return new PythonListener(this, Number(handle), address, Number(port));
  }

  async connect(port: number, options: Fields = {}): Promise<PythonSocket> {
    const answer = await this.ask('connect', { address: this.#address, port, ...options });
    return new PythonSocket(this, Number(answer['handle']), Number(answer['port']));
  }

  async connectAndReset(port: number, times: number): Promise<void> {
    await this.ask('connectAndReset', { address: this.#address, port, times });
  }
}

export class PythonListener implements PeerListener {
  readonly #peer: PythonPeer;
  readonly #handle: number;
  readonly address: string;
  readonly port: number;

  constructor(peer: PythonPeer, handle: number, address: string, port: number) {
    this.#peer = peer;
    this.#handle = handle;
    this.address = address;
    this.port = port;
  }

  async accept(): Promise<PythonSocket> {
    const answer = await this.#peer.ask('accept', { handle: this.#handle });
    return new PythonSocket(this.#peer, Number(answer['handle']), Number(answer['port']));
  }

  async goSilent(): Promise<void> {
    await this.#peer.ask('fill', { handle: this.#handle });
  }

  async close(): Promise<void> {
    await this.#peer.ask('close', { handle: this.#handle });
  }
}

export class PythonSocket implements PeerSocket {
  readonly #peer: PythonPeer;
  readonly #handle: number;
  readonly port: number;

  constructor(peer: PythonPeer, handle: number, port: number) {
    this.#peer = peer;
    this.#handle = handle;
    this.port = port;
  }

  async send(text: string): Promise<void> {
    await this.#ask('send', { data: Buffer.from(text, 'latin1').toString('base64') });
  }

  async sendUrgent(text: string): Promise<void> {
    await this.#ask('sendUrgent', { data: Buffer.from(text, 'latin1').toString('base64') });
  }

  async segments(): Promise<number> {
    return (await this.facts()).segments;
  }

  async sendPattern(seed: number, bytes: number, piece = 65_536): Promise<void> {
    await this.#ask('sendPattern', { seed, bytes, piece });
  }

  async sent(): Promise<number> {
    return Number((await this.#ask('progress'))['sent']);
  }

  async facts(): Promise<PeerFacts> {
    const { arrived, acknowledged, receiveBuffer, segments } = await this.#ask('facts');
    return {
      arrived: Number(arrived),
      acknowledged: Number(acknowledged),
      receiveBuffer: Number(receiveBuffer),
      segments: Number(segments),
    };
  }

  async receive(bytes: number): Promise<string> {
    return text((await this.#ask('receive', { bytes }))['data']);
  }

  async receiveOnce(): Promise<string> {
    return text((await this.#ask('receiveOnce'))['data']);
  }

  async receiveNow(): Promise<string | undefined> {
    const { data } = await this.#ask('receiveNow');
    return data === null ? undefined : text(data);
  }

  async drain(seed = 0, piece = 65_536): Promise<{ bytes: number; matches: boolean; end: 'fin' | 'reset' }> {
    const answer = await this.#ask('drain', { seed, piece });
    return {
      bytes: Number(answer['bytes']),
      matches: answer['matches'] === true,
      end: answer['end'] === 'fin' ? 'fin' : 'reset',
    };
  }

  async shutdown(): Promise<void> {
    await this.#ask('shutdown');
  }

  async close(): Promise<void> {
    await this.#ask('close');
  }

  async reset(): Promise<void> {
    await this.#ask('reset');
  }

  async #ask(operation: string, fields: Fields = {}): Promise<Answer> {
    return this.#peer.ask(operation, { handle: this.#handle, ...fields });
  }
}

function text(data: unknown): string {
  return Buffer.from(String(data), 'base64').toString('latin1');
}
