// Decides which language the interface speaks. All text for users is in the tables beside this file. What the server tells comes with its
// English, and is put into another language as it arrives.

import type { NodeInfo, Sentence } from "../api/types";
import type { Reason } from "../graph/reasons";
import { en, type Key } from "./en";

export type { Key };
export type Language = "en" | "de";

/** What node packs and templates call things, in another language: titles by type, the rest by the English. */
export type Words = Readonly<Record<"titles" | "categories" | "fields" | "units" | "texts" | "templates", { readonly [word: string]: string }>>;

interface Tongue {
  readonly table: Record<Key, string>;
  readonly sentences?: { readonly [code: string]: string };
  readonly words?: Words;
}

const ENGLISH: Tongue = { table: en };
let tongue = ENGLISH;
let current: Language = "en";

export const language = () => current;

/** Loads a language; English is always there. */
export async function speak(wanted: Language): Promise<void> {
  tongue = wanted === "de" ? (await import("./german")).german : ENGLISH;
  current = wanted;
  document.documentElement.lang = wanted;
}

export function preferred(): Language {
  try {
    const chosen = localStorage.getItem("loom.language");
    if (chosen === "en" || chosen === "de") return chosen;
  } catch {
    // a browser without storage: its own language counts
  }
  return navigator.language.startsWith("de") ? "de" : "en";
}

export function t(key: Key, values: Record<string, string | number> = {}): string {
  return (tongue.table[key] ?? en[key]).replace(/\{(\w+)\}/g, (whole, name: string) => (Object.hasOwn(values, name) ? String(values[name]) : whole));
}

/** Why something was refused, as a sentence. */
export function tell({ code, facts }: Reason): string {
  return t(`why_${code}`, Object.fromEntries(Object.entries(facts).map(([name, fact]) => [name, typeof fact === "object" ? tell(fact) : fact])));
}

/** Keys as they are written on a keyboard of this language. */
export function keyNames(keys: string): string {
  return keys.replace(/[A-Z][a-z]+/g, (key) => (Object.hasOwn(en, `key_${key}`) ? t(`key_${key}` as Key) : key));
}

// what the server tells

/** What the server told: where a text comes with what it was made from, it is put into the language of the interface. */
export function heard<T>(told: unknown): T {
  if (tongue.sentences) putInWords(told);
  return told as T;
}

/** Values of documents travel in answers too, and may have a `said` that means anything. */
function putInWords(value: unknown): void {
  if (!isObject(value)) return;
  const told = isObject(value.said) ? value.said : undefined;
  for (const [name, part] of Object.entries(value)) {
    if (typeof part !== "string") putInWords(part);
    else if (told) value[name] = worded(told[name]) ?? word("texts", part);
  }
}

/** A sentence of the server; undefined for one that is not known here. A blank such as `{names:und}` joins a list by that word. */
function worded(sentence: unknown): string | undefined {
  const { sentences = {} } = tongue;
  if (!isSentence(sentence) || !Object.hasOwn(sentences, sentence.code)) return undefined;
  const { code, facts } = sentence;
  let known = true;
  const text = sentences[code]!.replace(/\{(\w+)(?::(\w+))?\}/g, (_blank, name: string, word?: string) => {
    const all = [facts?.[name]].flat().map((one) => {
      const part = isObject(one) ? worded(one) : name === "input" || name === "inputs" ? humanName(String(one)) : String(one);
      known &&= part !== undefined;
      return part;
    });
    return all.join(word ? ` ${word} ` : ", ");
  });
  return known ? text : undefined;
}

const isObject = (value: unknown): value is { [name: string]: unknown } => typeof value === "object" && value !== null;
const isSentence = (value: unknown): value is Sentence => isObject(value) && typeof value.code === "string";

/** A node type with the words of this language. */
export function inOwnWords(info: NodeInfo): NodeInfo {
  const { words } = tongue;
  if (!words) return info;
  const inputs = info.inputs.map((field) => (field.range?.unit ? { ...field, range: { ...field.range, unit: word("units", field.range.unit) } } : field));
  return { ...info, title: word("titles", info.type, info.title), category: word("categories", info.category), inputs };
}

/** How a field or socket is called: its name in the file, made readable. */
export function humanName(name: string): string {
  const words = name.replaceAll("_", " ");
  return word("fields", name, words.charAt(0).toUpperCase() + words.slice(1));
}

export function word(kind: keyof Words, english: string, otherwise = english): string {
  const words = tongue.words?.[kind];
  return words && Object.hasOwn(words, english) ? words[english]! : otherwise;
}
