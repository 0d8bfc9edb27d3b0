/**
 * The kinds of callback that the task calls, by number for the watchdog and by the name of the user's
 * setter.
 */
export const CallbackKind = {
  CLIENT: 1,
  CONNECT: 2,
  DATA: 3,
  PACKET: 4,
  ACK: 5,
  POLL: 6,
  TIMEOUT: 7,
  END: 8,
  ERROR: 9,
  DISCONNECT: 10,
} as const;
export type CallbackKind = (typeof CallbackKind)[keyof typeof CallbackKind];

/** The setters' names, in the order of the kinds. */
export const CALLBACK_NAMES = [
  'onClient',
  'onConnect',
  'onData',
  'onPacket',
  'onAck',
  'onPoll',
  'onTimeout',
  'onEnd',
  'onError',
  'onDisconnect',
] as const;

/** What a callback is called after: the setter of AsyncClient or AsyncServer that took it. */
export type CallbackName = (typeof CALLBACK_NAMES)[number];

/** A kind of callback fits into so many low bits of the beat. */
export const KIND_BITS = 4;

/** The name of the callback that a beat tells of. */
export function callbackName(beat: number): CallbackName {
  return CALLBACK_NAMES[(beat & ((1 << KIND_BITS) - 1)) - 1] ?? 'onData';
}
