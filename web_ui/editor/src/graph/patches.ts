// Decides how a change of a document is written down: the places that differ, each with what was there and what is there now.
// Documents share what did not change, so that finding the differences costs only what changed.

import { isObject, sameJson, type Json } from "./json";

export interface Patch {
  readonly path: readonly string[];
  readonly before: Json | undefined;
  readonly after: Json | undefined;
}

/** The places where `after` differs from `before`; lists count as a whole. */
export function difference(before: unknown, after: unknown): Patch[] {
  const found: Patch[] = [];
  const waiting: [string[], Json | undefined, Json | undefined][] = [[[], before as Json, after as Json]];
  for (const [path, old, now] of waiting) {
    if (old === now) continue;
    if (!isObject(old) || !isObject(now)) {
      if (!sameJson(old, now)) found.push({ path, before: old, after: now });
      continue;
    }
    for (const key of Object.keys(old)) {
      const value = Object.hasOwn(now, key) ? now[key] : undefined;
      if (old[key] !== value) waiting.push([[...path, key], old[key], value]);
    }
    for (const key of Object.keys(now)) {
      if (!Object.hasOwn(old, key) && now[key] !== undefined) waiting.push([[...path, key], undefined, now[key]]);
    }
  }
  return found;
}

export function apply<T>(document: T, patches: readonly Patch[]): T {
  return patches.reduce<Json | undefined>((at, patch) => put(at, patch.path, 0, patch.after), document as Json) as T;
}

export function inverse(patches: readonly Patch[]): Patch[] {
  return patches.map(({ path, before, after }) => ({ path, before: after, after: before })).reverse();
}

/** One after the other as one: of a place that changes twice, the first state and the last. */
export function joined(first: readonly Patch[], second: readonly Patch[]): Patch[] {
  const found = new Map<string, Patch>();
  for (const patch of [...first, ...second]) {
    const key = JSON.stringify(patch.path);
    const earlier = found.get(key);
    if ([...found.values()].some((one) => one !== earlier && touches(one.path, patch.path))) return [...first, ...second];
    found.set(key, earlier ? { ...earlier, after: patch.after } : patch);
  }
  return [...found.values()].filter((patch) => !sameJson(patch.before, patch.after));
}

function touches(one: readonly string[], other: readonly string[]): boolean {
  const length = Math.min(one.length, other.length);
  return one.length !== other.length && one.slice(0, length).every((key, index) => key === other[index]);
}

function put(at: Json | undefined, path: readonly string[], depth: number, value: Json | undefined): Json | undefined {
  const key = path[depth];
  if (key === undefined) return value;
  const copy: Record<string, Json> = isObject(at) ? { ...at } : {};
  const inner = put(Object.hasOwn(copy, key) ? copy[key] : undefined, path, depth + 1, value);
  if (inner === undefined) delete copy[key];
  else copy[key] = inner;
  return copy;
}
