// Decides how JSON is read and written without losing a digit: whole numbers beyond 2^53 (seeds) become bigint, and 4.0 stays 4.0.
// What is written is equal, byte for byte, to what the engine's `canonical` writes.

import { because, type Code, type Facts, type Reason } from "./reasons";

export type Json = null | boolean | number | bigint | string | Float | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** A whole number that was written as a float, such as 4.0. */
export class Float {
  constructor(readonly value: number) {}
}

/** A value that was written already: its canonical text as it stands behind an indent; without one, any text of it, which stays as it is. */
export class Written {
  constructor(readonly text: string, readonly indent?: string) {}
}

type Writable = Json | Written | readonly Writable[] | { readonly [key: string]: Writable };

export const MAX_DEPTH = 64;

export class JsonError extends Error {
  readonly reason: Reason;

  constructor(code: Code, facts: Facts = {}) {
    super(code);
    this.reason = because(code, facts);
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Float);
}

/** A number as one that can be calculated with; undefined for anything else. */
export function numberOf(value: Json | undefined): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value === "bigint") return Number(value);
  return value instanceof Float ? value.value : undefined;
}

export function sameJson(one: Json | undefined, other: Json | undefined): boolean {
  if (one === other) return true;
  if (one instanceof Float || other instanceof Float) return one instanceof Float && other instanceof Float && Object.is(one.value, other.value);
  if (Array.isArray(one) && Array.isArray(other)) return one.length === other.length && one.every((item, index) => sameJson(item, other[index]));
  if (isObject(one) && isObject(other)) {
    const keys = Object.keys(one);
    return keys.length === Object.keys(other).length && keys.every((key) => Object.hasOwn(other, key) && sameJson(one[key], other[key]));
  }
  return Number.isNaN(one) && Number.isNaN(other);
}

/** A text without escapes, as most are. */
const PLAIN = /"[^"\\\u0000-\u001f]*"/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/y;
const FEW_DIGITS = 15;
const WORDS = [["true", true], ["false", false], ["null", null]] as const;
const ESCAPES: Record<string, string> = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };

/** Which objects are to be found again with the text that they were read from: those of one depth, the whole being of depth 0. */
export interface Sources {
  readonly depth: number;
  readonly texts: WeakMap<object, string>;
}

/** Reads JSON text. Throws JsonError with line and column for anything else, for duplicate keys and for deep nesting. */
export function parse(text: string, sources?: Sources): Json {
  let at = 0;
  const fail = (what: Code, facts: Facts = {}): never => {
    const before = text.slice(0, at).split("\n");
    throw new JsonError("atLine", { line: before.length, column: before[before.length - 1]!.length + 1, what: because(what, facts) });
  };
  const space = () => {
    for (let code = text.charCodeAt(at); code === 32 || code === 10 || code === 13 || code === 9; code = text.charCodeAt(at)) at += 1;
  };
  const string = (): string => {
    const open = at;
    PLAIN.lastIndex = open;
    if (PLAIN.test(text)) return text.slice(open + 1, (at = PLAIN.lastIndex) - 1);
    at += 1;
    let found = "";
    for (let start = at; ; ) {
      const code = text.charCodeAt(at);
      if (Number.isNaN(code)) fail("textOpen");
      if (code < 32) fail("textControl");
      if (code === 34) {
        found += text.slice(start, at);
        at += 1;
        return found;
      }
      if (code !== 92) {
        at += 1;
        continue;
      }
      found += text.slice(start, at);
      const letter = text[at + 1] ?? "";
      if (letter === "u") {
        const digits = text.slice(at + 2, at + 6);
        if (!/^[0-9a-fA-F]{4}$/.test(digits)) fail("textEscape");
        found += String.fromCharCode(parseInt(digits, 16));
        at += 6;
      } else {
        found += ESCAPES[letter] ?? fail("textNoEscape", { letter });
        at += 2;
      }
      start = at;
    }
  };
  /** A whole number of few digits, as most are; undefined for any other, which is then left where it stands. */
  const digits = (): number | undefined => {
    let end = at;
    let found = 0;
    let code = text.charCodeAt(end);
    while (code >= 48 && code < 58 && end < at + FEW_DIGITS) {
      found = 10 * found + code - 48;
      code = text.charCodeAt((end += 1));
    }
    const ended = code === 44 || code === 10 || code === 125 || code === 93 || code === 32; // , newline } ] blank
    if (end === at || !ended || (text.charCodeAt(at) === 48 && end > at + 1)) return undefined;
    at = end;
    return found;
  };
  const number = (): Json => {
    const small = digits();
    if (small !== undefined) return small;
    NUMBER.lastIndex = at;
    const match = NUMBER.exec(text);
    if (!match) return fail("valueMissing");
    at += match[0].length;
    if (match[1] === undefined && match[2] === undefined) {
      const whole = Number(match[0]);
      return Number.isSafeInteger(whole) && !Object.is(whole, -0) ? whole : match[0] === "-0" ? 0 : BigInt(match[0]);
    }
    const value = Number(match[0]);
    if (!Number.isFinite(value)) fail("numberLarge");
    return Number.isInteger(value) ? new Float(value) : value;
  };
  const value = (depth: number): Json => {
    if (depth > MAX_DEPTH) fail("tooDeep", { most: MAX_DEPTH });
    space();
    const first = text[at];
    if (first === '"') return string();
    if (first === "{") return object(depth);
    if (first === "[") return array(depth);
    if (first !== undefined && first >= "0" && first <= "9") return number();
    for (const [word, meant] of WORDS) {
      if (first === word[0] && text.startsWith(word, at)) {
        at += word.length;
        return meant;
      }
    }
    return number();
  };
  const array = (depth: number): Json => {
    const found: Json[] = [];
    at += 1;
    space();
    if (text[at] === "]") return (at += 1), found;
    for (;;) {
      found.push(value(depth + 1));
      space();
      if (text[at] === "]") return (at += 1), found;
      if (text[at] !== ",") fail("listComma");
      at += 1;
    }
  };
  const closed = (found: JsonObject, open: number, depth: number): JsonObject => {
    at += 1;
    if (depth === sources?.depth) sources.texts.set(found, text.slice(open, at));
    return found;
  };
  const object = (depth: number): Json => {
    const found: Record<string, Json> = {};
    const open = at;
    at += 1;
    space();
    if (text[at] === "}") return closed(found, open, depth);
    for (;;) {
      space();
      if (text[at] !== '"') fail("keyMissing");
      const key = string();
      if (key === "__proto__") fail("keyProto");
      if (Object.hasOwn(found, key)) fail("keyTwice", { key });
      space();
      if (text[at] !== ":") fail("colonMissing");
      at += 1;
      const item = value(depth + 1);
      found[key] = item;
      space();
      if (text[at] === "}") return closed(found, open, depth);
      if (text[at] !== ",") fail("objectComma");
      at += 1;
    }
  };
  if (text.charCodeAt(0) === 0xfeff) at = 1;
  const found = value(0);
  space();
  if (at < text.length) fail("afterEnd");
  return found;
}

/** The canonical text: keys sorted by code point, two spaces, numbers as the engine writes them. */
export function stringify(value: Writable, indent = ""): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return quote(value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number") return Number.isSafeInteger(value) ? `${value}` : Number.isInteger(value) ? BigInt(value).toString() : float(value);
  if (value instanceof Float) return float(value.value);
  if (value instanceof Written) return value.indent === undefined || value.indent === indent ? value.text : value.text.replaceAll(`\n${value.indent}`, `\n${indent}`);
  const inner = indent + "  ";
  if (Array.isArray(value)) return value.length ? `[\n${value.map((item) => inner + stringify(item, inner)).join(",\n")}\n${indent}]` : "[]";
  const object = value as { readonly [key: string]: Writable };
  const keys = Object.keys(object).sort(byCodePoint);
  return keys.length ? `{\n${keys.map((key) => `${inner}${quote(key)}: ${stringify(object[key]!, inner)}`).join(",\n")}\n${indent}}` : "{}";
}

function quote(text: string): string {
  return JSON.stringify(text);
}

/** As Python's repr: the shortest digits that give the number back, with an exponent below 1e-4 and from 1e16. */
function float(value: number): string {
  if (Object.is(value, -0)) return "-0.0";
  const [digits = "", exponent = "0"] = value.toExponential().split("e");
  const power = Number(exponent);
  if (value !== 0 && (power < -4 || power >= 16)) return `${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  const sign = value < 0 ? "-" : "";
  const all = digits.replace("-", "").replace(".", "");
  if (power < 0) return `${sign}0.${"0".repeat(-power - 1)}${all}`;
  const padded = all.padEnd(power + 1, "0");
  return `${sign}${padded.slice(0, power + 1)}.${padded.slice(power + 1) || "0"}`;
}

function byCodePoint(one: string, other: string): number {
  if (one === other) return 0;
  const length = Math.min(one.length, other.length);
  for (let index = 0; index < length; index += 1) {
    const mine = one.charCodeAt(index);
    const theirs = other.charCodeAt(index);
    if (mine === theirs) continue;
    const [high, otherHigh] = [mine >= 0xd800 && mine < 0xe000, theirs >= 0xd800 && theirs < 0xe000];
    return high === otherHigh ? mine - theirs : high ? 1 : -1;
  }
  return one.length - other.length;
}
