import type { ContractCase } from './case.js';
export const LIMITS: readonly ContractCase[] = [];
