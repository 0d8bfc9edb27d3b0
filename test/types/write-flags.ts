/** The flags that users may pass to `add` and `write`, checked by the compiler. */
import { ASYNC_WRITE_FLAG_COPY, ASYNC_WRITE_FLAG_MORE, type AsyncClient, type WriteFlags } from 'asynctcp';

export function flagsThatCompile(client: AsyncClient, data: Uint8Array, isLast: boolean): number[] {
  const chosen = isLast ? ASYNC_WRITE_FLAG_COPY : ASYNC_WRITE_FLAG_COPY | ASYNC_WRITE_FLAG_MORE;
  let sum = 0;
  if (!isLast) sum |= ASYNC_WRITE_FLAG_MORE;
  const kept: WriteFlags = 3;
  return [
    client.write(data),
    client.write(data, undefined),
    client.write(data, 0),
    client.write(data, 3),
    client.write(data, ASYNC_WRITE_FLAG_COPY),
    client.write(data, ASYNC_WRITE_FLAG_COPY | ASYNC_WRITE_FLAG_MORE),
    client.add('text', isLast ? 0 : ASYNC_WRITE_FLAG_MORE),
    client.add(data, chosen),
    client.add(data, sum),
    client.add(data, kept),
  ];
}

export function flagsThatDoNot(client: AsyncClient, data: Uint8Array): void {
  // @ts-expect-error A length, which C++ has in this place.
  client.write(data, 18);
  // @ts-expect-error Not a sum of the two flags.
  client.add(data, 4);
  // @ts-expect-error Not a sum of the two flags.
  client.add(data, -1);
  // @ts-expect-error One of the two values is not a sum of the flags.
  client.add(data, data.length > 1 ? 1 : 18);
  // @ts-expect-error Not a number.
  client.write(data, true);
}

/** The constants are literals. */
export const COPY: 1 = ASYNC_WRITE_FLAG_COPY;
export const MORE: 2 = ASYNC_WRITE_FLAG_MORE;
