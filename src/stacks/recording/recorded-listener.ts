/** A listener whose calls and events are recorded. */
import type {
  Cancel,
  Connection,
  ConnectionEvents,
  Endpoint,
  Fault,
  Listener,
  ListenerEvents,
  ListenTarget,
} from '../../port/tcp-stack.js';
import { ErrorCode } from '../../port/error-code.js';
import { endpointText, faultText, placeText } from './line-text.js';
import { RecordedConnection, RecordedConnectionEvents } from './recorded-connection.js';
import type { Recorder } from './recorder.js';

export function listenText({ address, port, backlog, reusePort, receiveWindowBytes }: ListenTarget): string {
  let text = `listen ${placeText(address, port)}`;
  if (backlog !== undefined) text += ` backlog=${backlog}`;
  if (receiveWindowBytes !== undefined) text += ` window=${receiveWindowBytes}`;
  if (reusePort) text += ' reusePort';
  return text;
}

/** The events of a listener. Each accepted connection has a number of its own. */
export class RecordedListenerEvents implements ListenerEvents {
  readonly #receiver: ListenerEvents;
  readonly #recorder: Recorder;
  readonly #number: number;

  constructor(receiver: ListenerEvents, recorder: Recorder, number: number) {
    this.#receiver = receiver;
    this.#recorder = recorder;
    this.#number = number;
  }

  onListening(): void {
    this.#recorder.event(this.#number, 'onListening');
    this.#receiver.onListening();
  }

  onFailed(fault: Fault): void {
    this.#recorder.event(this.#number, `onFailed ${faultText(fault)}`);
    this.#receiver.onFailed(fault);
  }

  onAccepted(connection: Connection): ConnectionEvents | undefined {
    const recorder = this.#recorder;
    const number = recorder.newNumber();
    const { local, remote } = connection;
    recorder.event(
      number,
      `onAccepted ${endpointText(local)} from ${endpointText(remote)} by #${this.#number}`,
    );
    const receiver = this.#receiver.onAccepted(new RecordedConnection(connection, recorder, number));
    if (receiver !== undefined) return new RecordedConnectionEvents(receiver, recorder, number);
    recorder.call(number, 'refused');
    return undefined;
  }

  onAcceptFailed(fault: Fault): void {
    this.#recorder.event(this.#number, `onAcceptFailed ${faultText(fault)}`);
    this.#receiver.onAcceptFailed(fault);
  }
}

/** The calls of a listener. */
export class RecordedListener implements Listener {
  readonly #listener: Listener;
  readonly #recorder: Recorder;
  readonly #number: number;

  constructor(listener: Listener, recorder: Recorder, number: number) {
    this.#listener = listener;
    this.#recorder = recorder;
    this.#number = number;
  }

  get local(): Endpoint {
    return this.#listener.local;
  }

  close(): void {
    this.#recorder.call(this.#number, 'close');
    this.#listener.close();
  }

  setKeepsAlive(on: boolean): void {
    this.#recorder.call(this.#number, `setKeepsAlive ${String(on)}`);
    this.#listener.setKeepsAlive(on);
  }

  acceptAlso(descriptor: number): Cancel | Fault {
    this.#recorder.call(this.#number, 'acceptAlso');
    const accepts = this.#listener.acceptAlso?.(descriptor);
    return accepts ?? { code: ErrorCode.ERR_VAL };
  }
}
