/** An attempt to connect whose calls and events are recorded. */
import type {
  Attempt,
  AttemptEvents,
  Connection,
  ConnectionEvents,
  ConnectTarget,
  Fault,
} from '../../port/tcp-stack.js';
import { endpointText, faultText, placeText } from './line-text.js';
import { RecordedConnection, RecordedConnectionEvents } from './recorded-connection.js';
import type { Recorder } from './recorder.js';

export function connectText(target: ConnectTarget): string {
  const { address, port, localAddress, localPort, receiveWindowBytes, reusePort } = target;
  let text = `connect ${placeText(address, port)}`;
  if (localAddress !== undefined || localPort !== 0) text += ` from ${placeText(localAddress, localPort)}`;
  if (receiveWindowBytes !== undefined) text += ` window=${receiveWindowBytes}`;
  if (reusePort === true) text += ' reusePort';
  return text;
}

/** The events of an attempt. Its connection keeps the attempt's number. */
export class RecordedAttemptEvents implements AttemptEvents {
  readonly #receiver: AttemptEvents;
  readonly #recorder: Recorder;
  readonly #number: number;

  constructor(receiver: AttemptEvents, recorder: Recorder, number: number) {
    this.#receiver = receiver;
    this.#recorder = recorder;
    this.#number = number;
  }

  onConnected(connection: Connection): ConnectionEvents {
    const [recorder, number] = [this.#recorder, this.#number];
    const { local, remote } = connection;
    recorder.event(number, `onConnected ${endpointText(local)} to ${endpointText(remote)}`);
    const recorded = new RecordedConnection(connection, recorder, number);
    return new RecordedConnectionEvents(this.#receiver.onConnected(recorded), recorder, number);
  }

  onFailed(fault: Fault): void {
    this.#recorder.event(this.#number, `onFailed ${faultText(fault)}`);
    this.#receiver.onFailed(fault);
  }
}

/** The calls of an attempt. */
export class RecordedAttempt implements Attempt {
  readonly #attempt: Attempt;
  readonly #recorder: Recorder;
  readonly #number: number;

  constructor(attempt: Attempt, recorder: Recorder, number: number) {
    this.#attempt = attempt;
    this.#recorder = recorder;
    this.#number = number;
  }

  cancel(): void {
    this.#recorder.call(this.#number, 'cancel');
    this.#attempt.cancel();
  }

  setKeepsAlive(on: boolean): void {
    this.#recorder.call(this.#number, `setKeepsAlive ${String(on)}`);
    this.#attempt.setKeepsAlive(on);
  }
}
