import type { ContractCase } from './case.js';
export const DATA: readonly ContractCase[] = [];
