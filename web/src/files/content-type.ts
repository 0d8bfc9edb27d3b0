/** The type of a file, by its name. */
import { isUtf8MimeType, mime } from '@fastify/send';

const types = new Map<string, string>();

/** Names with further endings are not remembered. */
const MOST_TYPES = 256;

/** Returns the value of `Content-Type`. */
export function contentTypeOf(name: string): string {
  const base = name.slice(name.lastIndexOf('/') + 1);
  const dot = base.lastIndexOf('.');
  // A name that is nothing but its ending has another type than one that ends so.
  const ending = dot > 0 ? base.slice(dot + 1) : name;
  const known = types.get(ending);
  if (known !== undefined) return known;
  const type = mime.getType(name) ?? 'application/octet-stream';
  const value = isUtf8MimeType(type) ? `${type}; charset=utf-8` : type;
  if (types.size < MOST_TYPES) types.set(ending, value);
  return value;
}
