/** A script as the parser returns it. Times are milliseconds. */
import type { TcpOption } from './options.js';

export type When =
  | { readonly kind: 'absolute' | 'relative'; readonly atMs: number }
  | { readonly kind: 'absoluteRange' | 'relativeRange'; readonly atMs: number; readonly endMs: number }
  | { readonly kind: 'any' };

export type Ecn = 'noecn' | 'ect0' | 'ect1' | 'ect01' | 'ce';

export interface PacketLine {
  readonly kind: 'packet';
  readonly direction: 'in' | 'out';
  readonly ecn: Ecn | undefined;
  /** Letters of `TcpFlags`: F, S, R, P, ., U, E, W. */
  readonly flags: string;
  readonly seq: number;
  readonly length: number;
  readonly ack: number | undefined;
  /** `undefined`: of a packet that is sent to the stack 0, of one from the stack any. */
  readonly window: number | undefined;
  readonly urgent: number;
  /** `undefined`: any. */
  readonly options: readonly TcpOption[] | undefined;
}

/** An argument or a result of a call. */
export type Value =
  | { readonly kind: 'number'; readonly value: number }
  /** Names of constants, joined by `|`. */
  | { readonly kind: 'names'; readonly names: readonly string[] }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly Value[] }
  | { readonly kind: 'struct'; readonly fields: ReadonlyMap<string, Value>; readonly items: readonly Value[] }
  /** `...` */
  | { readonly kind: 'any' };

export interface CallLine {
  readonly kind: 'call';
  readonly name: string;
  readonly args: readonly Value[];
  readonly result: Value;
  /** The name of the error that −1 stands for. */
  readonly error: string | undefined;
  /** Time of the end of a call that blocks, counted as `Line.when` is; `undefined`: it does not block. */
  readonly endMs: number | undefined;
}

export type Action =
  | PacketLine
  | CallLine
  | { readonly kind: 'command'; readonly text: string }
  | { readonly kind: 'code'; readonly text: string };

export interface Line {
  readonly number: number;
  readonly when: When;
  readonly action: Action;
}

export interface Script {
  readonly name: string;
  /** The options at its head, without the dashes. */
  readonly options: ReadonlyMap<string, string>;
  /** The shell commands before the first line, with their line numbers. */
  readonly setUp: readonly { readonly line: number; readonly text: string }[];
  readonly lines: readonly Line[];
}
