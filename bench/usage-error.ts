/** What is wrong with the call or with what is installed: one line for the user, exit status 2. */
export class UsageError extends Error {}
