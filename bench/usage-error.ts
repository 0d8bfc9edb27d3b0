/** A fault of the call or of the installation: one line for the user, exit status 2. */
export class UsageError extends Error {}
