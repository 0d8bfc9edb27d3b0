// What the harness and a server process say to each other over the IPC channel.

/** The harness asks for one sample; a server answers with `SampleMessage`. */
export const SAMPLE_REQUEST = 'sample';

export interface ListeningMessage {
  readonly kind: 'listening';
  readonly port: number;
}

/** Totals since the server's process began. */
export interface SampleMessage {
  readonly kind: 'sample';
  readonly atMs: number;
  readonly userUs: number;
  readonly systemUs: number;
  readonly rssBytes: number;
}

export type ServerMessage = ListeningMessage | SampleMessage;

/** Both ends are of one build, so the kind decides. */
export function isServerMessage(message: unknown): message is ServerMessage {
  if (typeof message !== 'object' || message === null || !('kind' in message)) return false;
  return message.kind === 'listening' || message.kind === 'sample';
}
