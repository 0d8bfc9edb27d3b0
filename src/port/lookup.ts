/** Looks a name's addresses up and answers once, later, with an error or with at least one address. */
export type Lookup = (
  host: string,
  answer: (error: Error | null, addresses: readonly string[]) => void,
) => void;
