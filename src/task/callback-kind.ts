/**
 * The kinds of callbacks that the task calls: a number for the watchdog, and the name of the user's setter.
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

/** The name of a callback: the setter of AsyncClient or AsyncServer that took its handler. */
export type CallbackName = (typeof CALLBACK_NAMES)[number];

/** Low bits of the beat that hold the kind of the callback. */
export const KIND_BITS = 4;

/** Returns the name of a beat's callback. */
export function callbackName(beat: number): CallbackName {
  return CALLBACK_NAMES[(beat & ((1 << KIND_BITS) - 1)) - 1] ?? 'onData';
}
