/**
 * A stream that stands on a connection, below the client's handlers: all handlers stay free for the program,
 * and are called as without a stream. `Session.attach` joins a stream to one life of a client; `Session.join`
 * does so before the stream takes data.
 *
 * The stream decides what the handlers decide without one: it opens the receive window by `consumed`, stops
 * delivery by `setStopped`, and answers the FIN. A handler that withholds data (`ackLater`, `onPacket`)
 * withholds it for the stream too: the window opens by what both have consumed.
 *
 * Events are called outside of callbacks. A stream that runs code of the program does so through
 * `task/dispatch.ts`.
 *
 * Call order: `join`? → `attach` → `onConnected`, if the client was connecting → (`onData` | `onSpace` |
 * `onDrained`)* → `onEnd` → `onOver`, which comes once and last, at any time.
 */
import type { Fault } from '../port/tcp-stack.js';
import type { DisconnectReason } from './handlers.js';

export interface ClientStream {
  /** True: the bytes of `onData` need to be valid only until it returns. Default false. */
  readonly takesViews?: boolean;
  /** The attempt to connect has succeeded, and `onConnect` has been called. */
  onConnected(): void;
  /**
   * Takes received bytes, which the stream may keep unless it `takesViews`. It calls `Session.consumed` for
   * every byte.
   */
  onData(bytes: Uint8Array): void;
  /**
   * The space that `Session.setWantsSpace` asked for is there. Comes once for each call, and once more when
   * FIN is asked for: `Session.canSend` is false then, and there will be no space.
   */
  onSpace(): void;
  /** The system has taken all that was sent, while `Session.setReportsDrained` is on. */
  onDrained(): void;
  /** The peer's FIN, after its last byte. */
  onEnd(): void;
  /** The life is over, and `onDisconnect` has been called. `fault`: the one that `onError` got. */
  onOver(reason: DisconnectReason, fault: Fault | undefined): void;
}
