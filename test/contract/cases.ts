/** All cases, in the contract's order. */
import type { ContractCase } from './case.js';
import { CROWDS } from './crowd.js';
import { DATA } from './data.js';
import { ENDINGS } from './ending.js';
import { LIFE } from './life.js';
import { LIMITS } from './limits.js';
import { ORDER } from './order.js';
import { PIECES } from './pieces.js';
import { PREAMBLES } from './preamble.js';
import { SPACE_RACES } from './space-races.js';
import { STREAMS } from './streams.js';
import { TASK } from './task.js';
import { TIME } from './time.js';
import { VIRTUAL } from './virtual.js';
import { WAITING } from './waiting.js';

export const CASES: readonly ContractCase[] = [
  ...LIFE,
  ...PREAMBLES,
  ...SPACE_RACES,
  ...ENDINGS,
  ...DATA,
  ...WAITING,
  ...ORDER,
  ...PIECES,
  ...TIME,
  ...LIMITS,
  ...CROWDS,
  ...TASK,
  ...VIRTUAL,
  ...STREAMS,
];
