/** Differences of JSON values, as JSON Merge Patch (RFC 7396) writes them. */

export type Json = string | number | boolean | null | readonly Json[] | JsonObject;

export interface JsonObject {
  readonly [name: string]: Json;
}

/**
 * Returns plain data as JSON, without the members of objects that are `null` or `undefined`: a merge patch
 * cannot set a member to `null`.
 */
export function compacted(value: object): JsonObject {
  const result: Record<string, Json> = {};
  for (const [name, member] of Object.entries(value)) {
    const json = jsonOf(member);
    if (json !== null) result[name] = json;
  }
  return result;
}

function jsonOf(value: unknown): Json {
  if (Array.isArray(value)) return value.map(jsonOf);
  if (typeof value === 'object' && value !== null) return compacted(value);
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/**
 * Returns the merge patch that makes `after` of `before`; `undefined` if they are the same. Neither may
 * have a member that is `null`.
 */
export function mergePatch(before: JsonObject, after: JsonObject): JsonObject | undefined {
  const patch: Record<string, Json> = {};
  let isEmpty = true;
  for (const [name, value] of Object.entries(after)) {
    const difference = patchOf(Object.hasOwn(before, name) ? before[name] : undefined, value);
    if (difference === undefined) continue;
    patch[name] = difference;
    isEmpty = false;
  }
  for (const name of Object.keys(before)) {
    if (Object.hasOwn(after, name)) continue;
    patch[name] = null;
    isEmpty = false;
  }
  return isEmpty ? undefined : patch;
}

function patchOf(before: Json | undefined, after: Json): Json | undefined {
  if (before === after) return undefined;
  if (isObject(before) && isObject(after)) return mergePatch(before, after);
  return JSON.stringify(before) === JSON.stringify(after) ? undefined : after;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
