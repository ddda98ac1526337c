// Decides how chosen nodes become a subgraph with typed ports, and how one is written out again. Neither changes a result.

import { definitionScope, isMany, isSubgraph, shapeOf, inputOf, type Catalogue } from "./catalogue";
import { framesOf, linksOf, nodesOf, notesOf, own, split, viewOf, workflowAt, type InputPort, type NodeEntry, type OutputPort, type Scope, type Workflow } from "./document";
import { freshName, place, redirect, redirectInputs, setLink, setNode, setViewPart, updateAt, viewPart, without } from "./edit";
import { boundary, paste } from "./fragment";
import type { Json } from "./json";
import { refuse, type Refusal } from "./reasons";

export interface Made {
  readonly document: Workflow;
  readonly id: string;
}

const SOCKET = /[^A-Za-z0-9_]/g;

export function makeSubgraph(document: Workflow, scope: Scope, chosen: readonly string[], title: string, catalogue: Catalogue): Made | Refusal {
  const workflow = workflowAt(document, scope) ?? {};
  const ids = new Set(chosen.filter((id) => own(nodesOf(workflow), id)));
  if (!ids.size) return refuse("nothingChosen");
  const circle = outsideBetween(workflow, ids);
  if (circle) return refuse("between", { node: circle });
  const { incoming, outgoing } = boundary(workflow, ids);
  const inner: Record<string, NodeEntry> = Object.fromEntries([...ids].map((id) => [id, nodesOf(workflow)[id]!]));
  const inputs: Record<string, InputPort> = {};
  const outputs: Record<string, OutputPort> = {};
  const links: Record<string, string | readonly string[]> = {};
  const port = (wanted: string, table: object) => freshName(wanted.replace(SOCKET, "_"), (name) => Object.hasOwn(table, name));

  const bySource = new Map<string, string>();
  for (const { source, node, input } of incoming) {
    const target = `${node}.${input}`;
    const shape = shapeOf(document, scope, nodesOf(workflow)[node]!, catalogue);
    const field = inputOf(shape, input);
    const all = linksOf(nodesOf(workflow)[node], input);
    inner[node] = setLink(inner[node]!, input, undefined);
    if (field && isMany(field.type) && Array.isArray(nodesOf(workflow)[node]!.links?.[input])) {
      if (all.some((one) => ids.has(split(one)[0]))) return refuse("bothSides", { input: `${node}.${input}` });
      const known = Object.entries(inputs).find(([, one]) => one.to[0] === target);
      if (!known) {
        const name = port(input, inputs);
        inputs[name] = { to: [target] };
        links[name] = all;
      }
      continue;
    }
    const name = bySource.get(source) ?? port(input, inputs);
    bySource.set(source, name);
    inputs[name] = { to: [...(inputs[name]?.to ?? []), target] };
    links[name] = source;
  }
  for (const reference of new Set([...outgoing.map((link) => link.source), ...Object.values(workflow.outputs ?? {}).map((one) => one.from).filter((from) => ids.has(split(from)[0]))])) {
    outputs[port(split(reference)[1], outputs)] = { from: reference };
  }
  const nameOf = new Map(Object.entries(outputs).map(([name, one]) => [one.from, name]));
  const id = freshName(title || "subgraph", (name) => Object.hasOwn(nodesOf(workflow), name));
  const definition = freshName(title || "subgraph", (name) => definitionScope(document, scope, name) !== undefined);
  const outer: Record<string, InputPort> = {};
  for (const [name, declared] of Object.entries(workflow.inputs ?? {})) {
    const [inside, outside] = [declared.to.filter((one) => ids.has(split(one)[0])), declared.to.filter((one) => !ids.has(split(one)[0]))];
    if (!inside.length) {
      outer[name] = declared;
      continue;
    }
    const taken = port(name, inputs);
    inputs[taken] = { ...declared, to: inside };
    outer[name] = { ...declared, to: [`${id}.${taken}`, ...outside] };
  }
  const views = [...ids].map((one) => viewOf(workflow, one)).filter((one) => one !== undefined);
  const [x, y] = [Math.min(...views.map((one) => one.x), 1e6), Math.min(...views.map((one) => one.y), 1e6)];
  const kept: Record<string, Json> = {};
  for (const one of ids) if (own(viewPart(workflow, "nodes"), one) !== undefined) kept[one] = viewPart(workflow, "nodes")[one]!;
  const made: Workflow = { format: workflow.format, title: title || "Subgraph", inputs, outputs, nodes: inner, view: { nodes: kept } };

  let next: Workflow = { ...workflow, inputs: outer, outputs: Object.fromEntries(Object.entries(workflow.outputs ?? {}).map(([name, one]) => [name, nameOf.has(one.from) ? { ...one, from: `${id}.${nameOf.get(one.from)}` } : one])) };
  next = redirect(next, (reference) => (nameOf.has(reference) ? `${id}.${nameOf.get(reference)}` : reference));
  next = { ...next, nodes: without(nodesOf(next), ...ids) };
  next = setViewPart(next, "nodes", without(viewPart(next, "nodes"), ...ids));
  next = setNode(next, id, { type: `workflow:${definition}`, version: 1, values: {}, links });
  next = place(next, { [id]: views.length ? { x, y } : { x: 0, y: 0 } });
  next = { ...next, definitions: { ...next.definitions, [definition]: made } };
  return { document: updateAt(document, scope, () => next), id };
}

/** A node outside of `ids` that lies on a way from one of them to another. */
function outsideBetween(workflow: Workflow, ids: ReadonlySet<string>): string | undefined {
  const readers = new Map<string, string[]>();
  for (const [id, entry] of Object.entries(nodesOf(workflow))) {
    for (const link of Object.values(entry.links ?? {})) {
      for (const one of typeof link === "string" ? [link] : link) readers.set(split(one)[0], [...(readers.get(split(one)[0]) ?? []), id]);
    }
  }
  const below = new Set([...ids].flatMap((id) => readers.get(id) ?? []).filter((id) => !ids.has(id)));
  for (const id of below) {
    for (const reader of readers.get(id) ?? []) {
      if (ids.has(reader)) return id;
      below.add(reader);
    }
  }
  return undefined;
}

export function dissolve(document: Workflow, scope: Scope, id: string): { document: Workflow; ids: readonly string[] } | Refusal {
  const workflow = workflowAt(document, scope) ?? {};
  const entry = own(nodesOf(workflow), id);
  if (!isSubgraph(entry) || !entry) return refuse("noSubgraph");
  if (!entry.type.startsWith("workflow:")) return refuse("repeated");
  const name = entry.type.slice("workflow:".length);
  const at = definitionScope(document, scope, name);
  const inner = at && workflowAt(document, at);
  if (!at || !inner) return refuse("noDefinition", { name });
  const place0 = viewOf(workflow, id) ?? { x: 0, y: 0 };
  const emptied = updateAt(document, scope, (one) => ({ ...one, nodes: without(nodesOf(one), id) }));
  const pasted = paste(emptied, scope, { ...inner }, place0, false);
  const names = new Map(Object.keys(nodesOf(inner)).map((old, index) => [old, pasted.ids[index]!]));
  const renamed = (reference: string) => `${names.get(split(reference)[0]) ?? split(reference)[0]}.${split(reference)[1]}`;
  let next: Workflow = { ...pasted.workflow, definitions: { ...pasted.workflow.definitions, ...pasted.definitions } };
  for (const [port, declared] of Object.entries(inner.inputs ?? {})) {
    for (const target of declared.to) {
      const [node, input] = split(renamed(target));
      const there = own(nodesOf(next), node);
      if (!there) continue;
      const link = own(entry.links, port);
      const value = own(entry.values, port);
      if (link !== undefined) next = { ...next, nodes: { ...next.nodes, [node]: setLink(there, input, link) } };
      else if (value !== undefined) next = { ...next, nodes: { ...next.nodes, [node]: { ...setLink(there, input, undefined), values: { ...there.values, [input]: value } } } };
    }
  }
  const isPort = (reference: string) => split(reference)[0] === id;
  next = redirect(next, (reference) => {
    if (!isPort(reference)) return reference;
    const from = own(inner.outputs, split(reference)[1])?.from;
    return from && renamed(from);
  });
  next = redirectInputs(next, (target) => (isPort(target) ? (own(inner.inputs, split(target)[1])?.to ?? []).map(renamed) : [target]));
  next = setViewPart(next, "nodes", without(viewPart(next, "nodes"), id));
  next = withBoxes(next, inner, place0);
  let result = updateAt(document, scope, () => next);
  const parent = at.slice(0, -1);
  if (!uses(workflowAt(result, parent) ?? {}, name)) result = updateAt(result, parent, (one) => ({ ...one, definitions: without(one.definitions ?? {}, name) }));
  return { document: result, ids: pasted.ids };
}

function withBoxes(workflow: Workflow, inner: Workflow, at: { x: number; y: number }): Workflow {
  const views = Object.keys(nodesOf(inner)).map((id) => viewOf(inner, id)).filter((one) => one !== undefined);
  const [dx, dy] = [at.x - Math.min(...views.map((one) => one.x), 1e6), at.y - Math.min(...views.map((one) => one.y), 1e6)];
  const moved = <T extends { id: string; x: number; y: number }>(boxes: T[], there: T[]) =>
    boxes.map((box) => ({ ...box, id: freshName(box.id, (id) => there.some((one) => one.id === id)), x: box.x + dx, y: box.y + dy }));
  const [frames, notes] = [moved(framesOf(inner), framesOf(workflow)), moved(notesOf(inner), notesOf(workflow))];
  let next = workflow;
  if (frames.length) next = setViewPart(next, "frames", [...framesOf(workflow), ...frames] as unknown as Json);
  if (notes.length) next = setViewPart(next, "notes", [...notesOf(workflow), ...notes] as unknown as Json);
  return next;
}

/** Whether a node in the workflow, or in a definition below it, uses the definition called `name`. */
function uses(workflow: Workflow, name: string): boolean {
  const waiting = [workflow];
  for (const one of waiting) {
    if (Object.values(nodesOf(one)).some((entry) => isSubgraph(entry) && entry.type.slice(entry.type.indexOf(":") + 1) === name)) return true;
    for (const [inner, definition] of Object.entries(one.definitions ?? {})) if (inner !== name || one !== workflow) waiting.push(definition);
  }
  return false;
}

