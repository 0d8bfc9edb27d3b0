import { ASYNC_WRITE_FLAG_COPY, ASYNC_WRITE_FLAG_MORE } from 'asynctcp';

/** Flags of `add` and `write` that random programs choose from. */
export const WRITE_FLAGS = [0, ASYNC_WRITE_FLAG_COPY, ASYNC_WRITE_FLAG_COPY | ASYNC_WRITE_FLAG_MORE] as const;
