// Decides what copying takes and pasting gives: a fragment is a workflow of its own (so a clipboard holds what a file holds),
// with the links that came from outside beside it.

import { definitionScope, isSubgraph } from "./catalogue";
import { FORMAT, canonical, eachLink, fromData, nodesOf, own, split, viewOf, workflowAt, written, type NodeEntry, type Point, type Scope, type Workflow } from "./document";
import { freshName, place, setLink, setViewPart, viewPart } from "./edit";
import { isObject, parse, type Json } from "./json";

/** The chosen nodes as a workflow: links among them stay, those from outside too (they are cut or kept when pasted). */
export function copy(document: Workflow, scope: Scope, ids: ReadonlySet<string>): Workflow {
  const workflow = workflowAt(document, scope) ?? {};
  const nodes: Record<string, NodeEntry> = {};
  const views: Record<string, Json> = {};
  const definitions: Record<string, Workflow> = {};
  for (const id of ids) {
    const entry = own(nodesOf(workflow), id);
    if (!entry) continue;
    nodes[id] = entry;
    const view = own(viewPart(workflow, "nodes"), id);
    if (view !== undefined) views[id] = view;
    collectDefinitions(document, scope, entry, definitions);
  }
  return { format: FORMAT, nodes, ...(Object.keys(definitions).length ? { definitions } : {}), view: { nodes: views } };
}

function collectDefinitions(document: Workflow, scope: Scope, entry: NodeEntry, into: Record<string, Workflow>): void {
  const waiting: [Scope, NodeEntry][] = [[scope, entry]];
  for (const [at, one] of waiting) {
    if (!isSubgraph(one)) continue;
    const name = one.type.slice(one.type.indexOf(":") + 1);
    const found = definitionScope(document, at, name);
    if (!found || Object.hasOwn(into, name)) continue;
    const inner = workflowAt(document, found)!;
    into[name] = inner;
    for (const deeper of Object.values(nodesOf(inner))) waiting.push([found, deeper]);
  }
}

/** The fragment as text for the clipboard, and back. Null for a text that holds no workflow. */
export function toText(fragment: Workflow): string {
  return written(fragment).text;
}

export function fromText(text: string): Workflow | null {
  if (!text.trimStart().startsWith("{")) return null;
  try {
    return fromData(parse(text));
  } catch {
    return null;
  }
}

export interface Pasted {
  readonly workflow: Workflow;
  readonly definitions: { readonly [name: string]: Workflow };
  readonly ids: readonly string[];
}

/** Puts a fragment into a workflow under fresh names; its upper left corner comes to `at`. `keepLinks` keeps links from outside. */
export function paste(document: Workflow, scope: Scope, fragment: Workflow, at: Point, keepLinks: boolean): Pasted {
  const workflow = workflowAt(document, scope) ?? {};
  const nodes: Record<string, NodeEntry> = { ...nodesOf(workflow) };
  const names = new Map<string, string>();
  for (const id of Object.keys(nodesOf(fragment))) {
    const name = freshName(id, (taken) => Object.hasOwn(nodes, taken) || [...names.values()].includes(taken));
    names.set(id, name);
  }
  const { definitions, renamed } = mergedDefinitions(document, scope, fragment);
  for (const [id, entry] of Object.entries(nodesOf(fragment))) {
    let next: NodeEntry = entry;
    for (const [input, link] of Object.entries(entry.links ?? {})) {
      const sources = (typeof link === "string" ? [link] : link).map((source) => moved(source, names, workflow, keepLinks)).filter((one) => one !== undefined);
      next = setLink(next, input, typeof link === "string" ? sources[0] : sources);
    }
    if (isSubgraph(entry)) {
      const colon = entry.type.indexOf(":") + 1;
      const name = renamed.get(entry.type.slice(colon));
      if (name) next = { ...next, type: entry.type.slice(0, colon) + name };
    }
    nodes[names.get(id)!] = next;
  }
  const positions = [...names.keys()].map((id) => [id, viewOf(fragment, id)] as const);
  const placed = positions.filter((one): one is [string, NonNullable<(typeof one)[1]>] => one[1] !== undefined);
  const [left, top] = [Math.min(...placed.map(([, view]) => view.x), Infinity), Math.min(...placed.map(([, view]) => view.y), Infinity)];
  const where: Record<string, Point> = {};
  const views: Record<string, Json> = { ...viewPart(workflow, "nodes") };
  for (const [index, [id, view]] of positions.entries()) {
    const name = names.get(id)!;
    const raw = own(viewPart(fragment, "nodes"), id);
    if (isObject(raw)) views[name] = raw;
    where[name] = view ? { x: at.x + view.x - left, y: at.y + view.y - top } : { x: at.x + 40 * index, y: at.y + 40 * index };
  }
  const pasted = place(setViewPart({ ...workflow, nodes }, "nodes", views), where);
  return { workflow: pasted, definitions, ids: [...names.values()] };
}

function moved(source: string, names: ReadonlyMap<string, string>, workflow: Workflow, keepLinks: boolean): string | undefined {
  const [id, socket] = split(source);
  const name = names.get(id);
  if (name !== undefined) return `${name}.${socket}`;
  return keepLinks && own(nodesOf(workflow), id) ? source : undefined;
}

/** The fragment's definitions that the document lacks; one of the same name but other content gets a fresh name. */
function mergedDefinitions(document: Workflow, scope: Scope, fragment: Workflow) {
  const definitions: Record<string, Workflow> = {};
  const renamed = new Map<string, string>();
  for (const [name, inner] of Object.entries(fragment.definitions ?? {})) {
    const there = definitionScope(document, scope, name);
    if (there && canonical(workflowAt(document, there)!) === canonical(inner)) continue;
    const fresh = freshName(name, (taken) => definitionScope(document, scope, taken) !== undefined || Object.hasOwn(definitions, taken));
    definitions[fresh] = inner;
    if (fresh !== name) renamed.set(name, fresh);
  }
  return { definitions, renamed };
}

/** The links that lead from outside into a set of nodes, and out of it. */
export function boundary(workflow: Workflow, ids: ReadonlySet<string>) {
  const incoming: { source: string; node: string; input: string }[] = [];
  const outgoing: { source: string; node: string; input: string }[] = [];
  for (const link of eachLink(workflow)) {
    const [from] = split(link.source);
    if (ids.has(link.node) && !ids.has(from)) incoming.push(link);
    if (!ids.has(link.node) && ids.has(from)) outgoing.push(link);
  }
  return { incoming, outgoing };
}
