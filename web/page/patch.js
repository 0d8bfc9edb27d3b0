/** JSON Merge Patch (RFC 7396). */

/**
 * Applies a patch to a value. Returns the changed value; objects are changed in place.
 * @param {any} target
 * @param {any} patch
 */
export function applyPatch(target, patch) {
  if (!isObject(patch)) return patch;
  const result = isObject(target) ? target : {};
  for (const [name, value] of Object.entries(patch)) {
    // The figures have no such name, and an object's prototype is no member.
    if (name === '__proto__') continue;
    if (value === null) delete result[name];
    else result[name] = applyPatch(Object.hasOwn(result, name) ? result[name] : undefined, value);
  }
  return result;
}

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
