import type { ContractCase } from './case.js';
export const TIME: readonly ContractCase[] = [];
