// Decides which language the interface speaks. All text for users is in the tables beside this file.

import type { Reason } from "../graph/reasons";
import { en, type Key } from "./en";

export type { Key };
export type Language = "en" | "de";

let table: Record<Key, string> = en;
let current: Language = "en";

export const language = () => current;

/** Loads a language; English is always there. */
export async function speak(wanted: Language): Promise<void> {
  table = wanted === "de" ? (await import("./de")).de : en;
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
  return (table[key] ?? en[key]).replace(/\{(\w+)\}/g, (whole, name: string) => (Object.hasOwn(values, name) ? String(values[name]) : whole));
}

/** Why something was refused, as a sentence. */
export function tell({ code, facts }: Reason): string {
  return t(`why_${code}`, Object.fromEntries(Object.entries(facts).map(([name, fact]) => [name, typeof fact === "object" ? tell(fact) : fact])));
}
