/** The services of `asynctcp serve`, in the order of their ports. */
import { chargen } from './chargen.js';
import { daytime } from './daytime.js';
import { discard } from './discard.js';
import { echo } from './echo.js';
import type { Service } from './service.js';

export const SERVICES: readonly Service[] = [echo, discard, daytime, chargen];
