// Decides how what is typed finds nodes and actions: letters in order, whole words and beginnings first, what is used often before what is not.

import type { NodeInfo } from "../api/types";

/** How well `query` fits `text`: higher is better, 0 not at all. */
export function fit(query: string, text: string): number {
  if (!query) return 1;
  const [needle, hay] = [query.toLowerCase(), text.toLowerCase()];
  const at = hay.indexOf(needle);
  if (at === 0) return 100;
  if (at > 0) return /[\s_.:-]/.test(hay[at - 1]!) ? 80 : 50;
  let position = -1;
  let score = 30;
  for (const letter of needle) {
    if (letter === " ") continue;
    const next = hay.indexOf(letter, position + 1);
    if (next < 0) return 0;
    if (position >= 0) score -= Math.min(4, next - position - 1);
    position = next;
  }
  return Math.max(1, score);
}

export function fitNode(query: string, info: NodeInfo): number {
  const words = query.trim().split(/\s+/).filter(Boolean);
  let total = 1;
  for (const word of words) {
    const name = info.type.slice(info.type.indexOf(".") + 1);
    const found = Math.max(fit(word, info.title) * 3, fit(word, name) * 2, word.length > 2 ? part(word, info.category) : 0, word.length > 2 ? part(word, info.summary) : 0);
    if (!found) return 0;
    total += found;
  }
  return total;
}

const part = (word: string, text: string) => (text.toLowerCase().includes(word.toLowerCase()) ? 20 : 0);

const KEY = "loom.used";

export function uses(): Record<string, number> {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return typeof found === "object" && found !== null ? (found as Record<string, number>) : {};
  } catch {
    return {};
  }
}

export function noteUse(type: string): void {
  try {
    const all = uses();
    localStorage.setItem(KEY, JSON.stringify({ ...all, [type]: (Number(all[type]) || 0) + 1 }));
  } catch {
    // ranking by use is a comfort
  }
}
