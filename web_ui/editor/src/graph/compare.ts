// Decides how two documents are shown as one: the later graph with what it has lost beside it, and what became of each node, field and link.

import type { DiffReply } from "../api/types";
import { eachLink, linksOf, nodesOf, own, split, viewOf, workflowAt, type NodeEntry, type Scope, type Workflow } from "./document";
import { place, redirect, redirectInputs, setViewPart, updateAt, viewPart } from "./edit";
import { definitionScope, isSubgraph } from "./catalogue";
import { isObject, type Json } from "./json";

export type Kind = "added" | "removed" | "changed";

/** One thing that differs: where it is, and what stood there before and stands there now. */
export interface Difference {
  readonly scope: Scope;
  readonly node?: string;
  /** What it is of a node or workflow, such as `values` or `mode`; empty for the whole. */
  readonly part: string;
  readonly name: string;
  readonly kind: Kind;
  readonly before?: Json;
  readonly after?: Json;
}

export interface Comparison {
  /** The later document with what it has lost. */
  readonly document: Workflow;
  readonly before: Workflow;
  readonly after: Workflow;
  readonly differences: readonly Difference[];
  readonly layout: number;
}

export function compared(before: Workflow, after: Workflow, diff: DiffReply): Comparison {
  const places = new Map(diff.renames.map((one) => [one.within.join("/"), one.within]));
  const names = (within: Scope) => new Map(diff.renames.filter((one) => one.within.join("/") === within.join("/")).map((one) => [one.before, one.after]));
  const earlier = [...places.values()].reduce((at, within) => updateAt(at, within, (workflow) => renamed(workflow, names(within))), before);
  const renames = diff.renames.map((one): Difference => ({ scope: one.within, node: one.after, part: "name", name: "", kind: "changed", before: one.before, after: one.after }));
  const changes = diff.changes.map(({ place: at, kind, before: was, after: is }) => ({ ...located(at), kind, before: was as Json | undefined, after: is as Json | undefined }));
  return { document: joined(earlier, after), before: earlier, after, differences: [...renames, ...changes.flatMap(spread)], layout: diff.layout.length };
}

/** A subgraph that came or went is told by what is in it, node by node, and not as one long text. */
function spread(one: Difference): Difference[] {
  const whole = one.kind === "added" ? one.after : one.before;
  if (one.part !== "definitions" || one.kind === "changed" || !isObject(whole)) return [one];
  const inner = whole as unknown as Workflow;
  const scope = [...one.scope, one.name];
  const nodes = Object.keys(nodesOf(inner)).map((node): Difference => ({ scope, node, part: "", name: "", kind: one.kind }));
  const deeper = Object.entries(inner.definitions ?? {}).flatMap(([name, data]) => spread({ scope, part: "definitions", name, kind: one.kind, before: data as unknown as Json, after: data as unknown as Json }));
  return [{ ...one, before: undefined, after: undefined }, ...nodes, ...deeper];
}

/** All at once, since two nodes may have taken each other's names. */
function renamed(workflow: Workflow, names: ReadonlyMap<string, string>): Workflow {
  const name = (id: string) => names.get(id) ?? id;
  const reference = (from: string) => `${name(split(from)[0])}.${split(from)[1]}`;
  const keys = <T>(table: { readonly [id: string]: T }) => Object.fromEntries(Object.entries(table).map(([id, one]) => [name(id), one]));
  const next = redirectInputs(redirect({ ...workflow, nodes: keys(nodesOf(workflow)) }, reference), (target) => [reference(target)]);
  return setViewPart(next, "nodes", keys(viewPart(next, "nodes")));
}

function located(at: readonly string[]): Omit<Difference, "kind"> {
  const scope: string[] = [];
  let rest = at;
  for (; rest.length > 2 && rest[0] === "definitions"; rest = rest.slice(2)) scope.push(rest[1]!);
  if (rest[0] === "nodes" && rest[1] !== undefined) return { scope, node: rest[1], part: rest[2] ?? "", name: rest.slice(3).join(".") };
  return { scope, part: rest[0] ?? "", name: rest.slice(1).join(" · ") };
}

/** Both in one: the later where they differ, and of a link that was drawn anew both. */
function joined(before: Workflow, after: Workflow): Workflow {
  const nodes: Record<string, NodeEntry> = { ...nodesOf(before) };
  for (const [id, entry] of Object.entries(nodesOf(after))) nodes[id] = withLinks(entry, own(nodesOf(before), id));
  const definitions: Record<string, Workflow> = { ...before.definitions };
  for (const [name, inner] of Object.entries(after.definitions ?? {})) definitions[name] = joined(own(before.definitions, name) ?? {}, inner);
  const at = Object.keys(nodes).map((id) => [id, viewOf(after, id) ?? viewOf(before, id)] as const).filter(([, view]) => view !== undefined);
  const inputs = { ...before.inputs, ...after.inputs };
  const outputs = { ...before.outputs, ...after.outputs };
  return place({ ...after, nodes, definitions, inputs, outputs, view: {} }, Object.fromEntries(at.map(([id, view]) => [id, { x: view!.x, y: view!.y }])));
}

function withLinks(entry: NodeEntry, earlier: NodeEntry | undefined): NodeEntry {
  const links = { ...earlier?.links };
  for (const [input, link] of Object.entries(entry.links ?? {})) {
    const all = [...new Set([...linksOf(entry, input), ...linksOf(earlier, input)])];
    links[input] = all.length > 1 ? all : link;
  }
  return { ...entry, values: { ...earlier?.values, ...entry.values }, links };
}

/** How a place is called: the titles that lead there. */
export function pathOf({ document }: Comparison, scope: Scope): string {
  return scope.map((name, depth) => workflowAt(document, scope.slice(0, depth + 1))?.title || name).join(" / ");
}

/** The places where something differs, the whole workflow first. */
export function scopesOf({ differences }: Comparison): Scope[] {
  const found = new Map<string, Scope>([["", []]]);
  for (const { scope } of differences) found.set(scope.join("/"), scope);
  return [...found.values()];
}

/** The nodes at a place that use a subgraph in which something differs: where that is, and how much differs in it and below. */
export function insideOf({ document, differences }: Comparison, scope: Scope): Map<string, { readonly scope: Scope; readonly count: number }> {
  const found = new Map<string, { scope: Scope; count: number }>();
  for (const [id, entry] of Object.entries(nodesOf(workflowAt(document, scope) ?? {}))) {
    const inner = isSubgraph(entry) ? definitionScope(document, scope, entry.type.slice(entry.type.indexOf(":") + 1)) : undefined;
    const count = inner ? differences.filter((one) => inner.every((name, depth) => one.scope[depth] === name)).length : 0;
    if (inner && count) found.set(id, { scope: inner, count });
  }
  return found;
}

/** What became of each node at a place, or in it; those that are as they were are left out. */
export function kindsOf(comparison: Comparison, scope: Scope): Map<string, Kind> {
  const found = new Map<string, Kind>([...insideOf(comparison, scope).keys()].map((id) => [id, "changed"]));
  for (const one of comparison.differences) if (one.node !== undefined && isAt(one, scope)) found.set(one.node, one.part === "" ? one.kind : "changed");
  return found;
}

export function isAt(difference: Difference, scope: Scope): boolean {
  return difference.scope.length === scope.length && difference.scope.every((name, index) => name === scope[index]);
}

/** What became of each link at a place, as `source>node.input`. */
export function linkKindsOf({ before, after }: Comparison, scope: Scope): Map<string, Kind> {
  const [was, is] = [before, after].map((document) => new Set([...eachLink(workflowAt(document, scope) ?? {})].map(({ source, node, input }) => `${source}>${node}.${input}`)));
  const found = new Map<string, Kind>();
  for (const link of is!) if (!was!.has(link)) found.set(link, "added");
  for (const link of was!) if (!is!.has(link)) found.set(link, "removed");
  return found;
}
