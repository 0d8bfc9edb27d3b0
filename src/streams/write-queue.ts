/**
 * The writes of one life of a client, in the order of the calls. Bytes go to the session as far as there is
 * space; the rest waits here, uncopied, until the stack reports space.
 *
 * Call order: (`write` | `space`)* → `finish` → `end`; `pump` at each event that may bring space.
 */
import { ErrorCode } from '../port/error-code.js';
import { SendFlag, type Fault, type SendFlags } from '../port/tcp-stack.js';
import type { AsyncClient } from '../asynctcp/async-client.js';
import { abortedBy, harmless } from '../asynctcp/flush-waiters.js';
import type { DisconnectReason } from '../asynctcp/handlers.js';
import type { Session } from '../asynctcp/session.js';
import { tcpError } from '../asynctcp/tcp-error.js';
import { Wait } from './wait.js';

/**
 * Bytes of space that a waiting write asks for, at most: enough for a large segment, and few enough that a
 * full send budget, which leaves 64 KiB to each connection, does not make it wait for the last byte.
 */
export const WANTED_BYTES = 16_384;

const WRITTEN = Promise.resolve();
const NOTHING = new Uint8Array(0);
const WRITE = 'write';
const END = 'end a connection';

interface Job {
  /** `space`: waits until there is space. `fin`: sends FIN. */
  readonly kind: 'data' | 'space' | 'fin';
  readonly bytes: Uint8Array;
  /** Length of `bytes` at the call: a program may detach them. */
  readonly length: number;
  readonly flags: SendFlags;
  readonly wait: Wait<void>;
  taken: number;
}

export class WriteQueue {
  readonly #client: AsyncClient;
  readonly #session: Session<AsyncClient>;
  /**
   * Made for the first write that waits. The program bounds it: each job is a promise that it has asked for,
   * over bytes that are its own. A bound here would lose data of a program that may await the last one only.
   */
  #jobs: Job[] | undefined;
  /** Reason with which the session closes when all is written. */
  #closesAs: DisconnectReason | undefined;
  /** True if no further bytes may be written: FIN follows. */
  #isFinished = false;
  /** Fault of the end of the life; `ERR_CLSD` without one. */
  #over: Fault | undefined;

  constructor(client: AsyncClient, session: Session<AsyncClient>) {
    this.#client = client;
    this.#session = session;
  }

  /** True if a write waits. */
  get isWaiting(): boolean {
    return this.#jobs !== undefined;
  }

  /** True if FIN is or will be sent. */
  get isFinished(): boolean {
    return this.#isFinished;
  }

  /**
   * Writes all of `bytes`, which stay unchanged until the promise resolves.
   * @param flags COPY if the caller changes the bytes after that.
   */
  write(bytes: Uint8Array, flags: SendFlags, signal?: AbortSignal): Promise<void> {
    const { length } = bytes;
    if (signal?.aborted === true) return rejected(WRITE, abortedBy(signal));
    if (this.#over !== undefined) return rejected(WRITE, this.#over);
    if (this.#isFinished) return rejected(WRITE, { code: ErrorCode.ERR_CLSD });
    let taken = 0;
    if (this.#jobs === undefined) {
      taken = length === 0 ? 0 : this.#session.write(bytes, flags, false);
      if (taken === length) return WRITTEN;
      if (!this.#canWait()) return rejected(WRITE, { code: ErrorCode.ERR_CLSD });
    }
    return this.#enqueue('data', bytes, flags, taken, signal);
  }

  /** Waits until there is space, behind all writes before. */
  space(): Promise<void> {
    if (this.#jobs === undefined && this.#session.space() > 0) return WRITTEN;
    if (this.#over !== undefined) return rejected(WRITE, this.#over);
    return this.#enqueue('space', NOTHING, 0, 0, undefined);
  }

  /** Sends FIN behind all writes before. Resolves when the session has taken the FIN. */
  finish(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return rejected(END, abortedBy(signal));
    if (this.#over !== undefined) {
      return this.#over.code === ErrorCode.ERR_CLSD ? WRITTEN : rejected(END, this.#over);
    }
    this.#isFinished = true;
    if (this.#jobs === undefined && !this.#isConnecting()) {
      this.#session.shutdown();
      return WRITTEN;
    }
    return this.#enqueue('fin', NOTHING, 0, 0, signal);
  }

  /** Closes the session when all is written. */
  closeWhenEmpty(reason: DisconnectReason): void {
    this.#isFinished = true;
    if (this.#jobs === undefined) this.#session.close(reason);
    else this.#closesAs = reason;
  }

  #isConnecting(): boolean {
    return this.#client.connecting();
  }

  /** Returns true if there may be space later. */
  #canWait(): boolean {
    return this.#session.canSend() || this.#isConnecting();
  }

  #enqueue(
    kind: Job['kind'],
    bytes: Uint8Array,
    flags: SendFlags,
    taken: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const wait = new Wait<void>(signal, () => {
      if (signal !== undefined) this.#giveUp(job, abortedBy(signal));
    });
    const job: Job = { kind, bytes, length: bytes.length, flags, wait, taken };
    (this.#jobs ??= []).push(job);
    if (this.#jobs.length === 1) this.#askForSpace(job);
    return harmless(wait.promise);
  }

  /** Bytes that were only added take up space until they are sent, so they are sent now. */
  #askForSpace({ kind, length, taken }: Job): void {
    this.#session.send();
    const { sendBufferBytes } = this.#session.stack.limits;
    const most = Math.min(WANTED_BYTES, Math.ceil(sendBufferBytes / 2));
    this.#session.setWantsSpace(kind === 'data' ? Math.min(length - taken, most) : most);
  }

  /** Hands bytes to the session, as far as there is space. */
  pump(): void {
    for (let job = this.#jobs?.[0]; job !== undefined; job = this.#jobs?.[0]) {
      if (!this.#canWait()) {
        this.#failAll({ code: ErrorCode.ERR_CLSD });
        return;
      }
      if (!this.#advance(job)) {
        if (this.#jobs?.[0] === job) this.#askForSpace(job);
        return;
      }
      this.#remove(job);
      job.wait.resolve();
    }
  }

  /** Returns true if the job is done. */
  #advance(job: Job): boolean {
    if (this.#isConnecting()) return false;
    if (job.kind === 'space') return this.#session.space() > 0;
    if (job.kind === 'fin') {
      this.#session.shutdown();
      return true;
    }
    if (job.bytes.length !== job.length) {
      this.#giveUp(job, { code: ErrorCode.ERR_IF, cause: new Error('the data was detached or resized') });
      return false;
    }
    if (job.taken < job.length) {
      const rest = job.taken === 0 ? job.bytes : job.bytes.subarray(job.taken);
      job.taken += this.#session.write(rest, job.flags, false);
    }
    return job.taken === job.length;
  }

  #remove(job: Job): void {
    const jobs = this.#jobs ?? [];
    if (jobs[0] === job) jobs.shift();
    else this.#jobs = jobs.filter((other) => other !== job);
    if (this.#jobs?.length === 0) this.#jobs = undefined;
    if (this.#jobs === undefined && this.#closesAs !== undefined) this.#session.close(this.#closesAs);
  }

  /**
   * Withdraws a job. If a part of its data was taken, the connection is reset: the peer would take the data
   * of the next write for the rest.
   */
  #giveUp(job: Job, fault: Fault): void {
    const isFirst = this.#jobs?.[0] === job;
    this.#remove(job);
    job.wait.reject(tcpError(job.kind === 'fin' ? END : WRITE, fault));
    if (job.kind === 'fin') this.#isFinished = false;
    if (job.taken > 0) this.#session.abort();
    else if (isFirst) this.pump();
  }

  /** Ends the writes that wait: the life is over. */
  end(fault: Fault): void {
    this.#over = fault;
    this.#failAll(fault);
  }

  #failAll(fault: Fault): void {
    const jobs = this.#jobs ?? [];
    this.#jobs = undefined;
    for (const { kind, wait } of jobs) {
      if (kind === 'fin' && fault.code === ErrorCode.ERR_CLSD) wait.resolve();
      else wait.reject(tcpError(kind === 'fin' ? END : WRITE, fault));
    }
  }
}

/** Copies bytes that the caller may change after the write. */
export const COPY: SendFlags = SendFlag.COPY;

function rejected(action: string, fault: Fault): Promise<void> {
  return harmless(Promise.reject(tcpError(action, fault)));
}
