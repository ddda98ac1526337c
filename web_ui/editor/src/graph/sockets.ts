// Decides what a socket may carry and when a link is refused, with the reason: the engine's rules (graph_engine/types.py) over the
// catalogue's data, so that a link is refused while it is drawn.

import type { SocketTypeInfo } from "../api/types";
import { because, type Reason } from "./reasons";

export type Bindings = Map<string, SocketTypeInfo>;

export const ANY: SocketTypeInfo = { kind: "any", text: "any" };

export function named(name: string, ...parameters: SocketTypeInfo[]): SocketTypeInfo {
  return { kind: "named", name, parameters, text: parameters.length ? `${name}[${parameters.map((one) => one.text).join(", ")}]` : name };
}

export function listOf(item: SocketTypeInfo): SocketTypeInfo {
  return { kind: "list", item, text: `list[${item.text}]` };
}

export function isPrimitive(of: SocketTypeInfo): boolean {
  return of.kind === "named" && ["bool", "int", "float", "text"].includes(of.name ?? "");
}

export function sameType(one: SocketTypeInfo, other: SocketTypeInfo): boolean {
  if (one === other) return true;
  if (one.kind !== other.kind || (one.name ?? "") !== (other.name ?? "")) return false;
  const [mine, theirs] = [parts(one), parts(other)];
  return mine.length === theirs.length && mine.every((part, index) => sameType(part, theirs[index]!));
}

function parts(of: SocketTypeInfo): SocketTypeInfo[] {
  return [...(of.parameters ?? []), ...(of.item ? [of.item] : []), ...(of.options ?? [])];
}

/** Why a value of type `got` cannot enter an input of type `want`; null when it can, and then `bindings` has grown. */
export function refusal(got: SocketTypeInfo, want: SocketTypeInfo, bindings: Bindings): Reason | null {
  if (!isOpen(want) && sameType(got, want)) return null;
  if (want.kind === "any") return null;
  if (want.kind === "variable") return bind(want.name ?? "", got, bindings);
  if (want.kind === "union") return refusedByAll(got, want.options ?? [], bindings);
  if (got.kind === "any" || got.kind === "variable") return null;
  if (got.kind === "union") {
    const reasons = (got.options ?? []).map((option) => refusal(option, want, bindings)).filter((reason) => reason !== null);
    return reasons[0] ?? null;
  }
  if (got.kind === "list" && want.kind === "list") return refusal(got.item ?? ANY, want.item ?? ANY, bindings);
  if (got.kind === "named" && want.kind === "named" && got.name === want.name) {
    const [mine, theirs] = [got.parameters ?? [], want.parameters ?? []];
    if (mine.length === theirs.length) {
      for (const [index, one] of mine.entries()) {
        const reason = refusal(one, theirs[index]!, bindings);
        if (reason !== null) return because("inside", { name: got.name ?? "", reason });
      }
      return null;
    }
  }
  if (got.kind === "named" && got.name === "int" && want.kind === "named" && want.name === "float") return null;
  return because("isNeeded", { want: want.text });
}

/** `wanted` with every bound variable replaced by what it is bound to. */
export function substitute(wanted: SocketTypeInfo, bindings: Bindings): SocketTypeInfo {
  switch (wanted.kind) {
    case "variable":
      return bindings.get(wanted.name ?? "") ?? wanted;
    case "named":
      return wanted.parameters?.length ? named(wanted.name ?? "", ...wanted.parameters.map((one) => substitute(one, bindings))) : wanted;
    case "list":
      return listOf(substitute(wanted.item ?? ANY, bindings));
    case "union": {
      const options = (wanted.options ?? []).map((one) => substitute(one, bindings));
      return { kind: "union", options, text: options.map((one) => one.text).join(" | ") };
    }
    default:
      return wanted;
  }
}

function isOpen(of: SocketTypeInfo): boolean {
  return of.kind !== "named" || (of.parameters ?? []).some(isOpen);
}

function bind(name: string, got: SocketTypeInfo, bindings: Bindings): Reason | null {
  const bound = bindings.get(name);
  if (bound === undefined || bound.kind === "variable") {
    bindings.set(name, got);
    return null;
  }
  if (got.kind === "variable" || refusal(got, bound, bindings) === null) return null;
  return because("boundOtherwise", { got: got.text, bound: bound.text });
}

function refusedByAll(got: SocketTypeInfo, options: SocketTypeInfo[], bindings: Bindings): Reason | null {
  if (got.kind === "union") {
    return (got.options ?? []).map((one) => refusedByAll(one, options, bindings)).find((reason) => reason !== null) ?? null;
  }
  for (const option of options) {
    const attempt = new Map(bindings);
    if (refusal(got, option, attempt) === null) {
      for (const [name, type] of attempt) bindings.set(name, type);
      return null;
    }
  }
  return because("oneIsNeeded", { wants: options.map((one) => one.text).join(", ") });
}
