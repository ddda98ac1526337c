// Decides which colour a socket type has: the field's usual ones for known types, one from the name for others. The stylesheet holds the values.

import type { SocketTypeInfo } from "../api/types";

const KNOWN = new Set(["Model", "TextEncoder", "Vae", "Conditioning", "Latent", "Image", "Mask", "Noise", "text", "int", "float", "bool", "File"]);
const SPARE = ["rose", "sky", "lime", "sand", "plum", "teal"];

export function colourOf(type: SocketTypeInfo): string {
  if (type.kind === "list") return colourOf(type.item ?? type);
  if (type.kind === "union") return type.options?.[0] ? colourOf(type.options[0]) : "var(--type-any)";
  if (type.kind !== "named") return "var(--type-any)";
  const name = type.name ?? "";
  if (KNOWN.has(name)) return `var(--type-${name})`;
  let hash = 0;
  for (const letter of name) hash = (hash * 31 + letter.codePointAt(0)!) >>> 0;
  return `var(--type-${SPARE[hash % SPARE.length]})`;
}

export const NODE_COLOURS = ["", "slate", "blue", "green", "amber", "red", "violet"] as const;
