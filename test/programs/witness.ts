/**
 * Loaded by `--import` into a program that asynctcp carries: prints at the program's end what was carried,
 * which `ways.ts` reads. It needs CONFIG_ASYNC_TCP_DIAGNOSTICS=1.
 */
import { diagnostics } from 'asynctcp';

/** Figures of one program on asynctcp. */
export interface Carried {
  /** Most connections at once, in both directions. */
  readonly atOnce: number;
  /** Connections that the program itself has made. */
  readonly outgoing: number;
  /** Pieces of data that the program has received. */
  readonly pieces: number;
}

process.on('exit', () => {
  const { connections, callbacks } = diagnostics();
  const carried: Carried = {
    atOnce: connections.most,
    outgoing: callbacks.onConnect.count,
    pieces: callbacks.onData.count,
  };
  console.log(`carried ${JSON.stringify(carried)}`);
});
