// Decides the small changes that commands are made of: each takes a workflow and gives another that shares what did not change.

import { isMany, type Shape } from "./catalogue";
import { linksOf, nodesOf, own, split, workflowAt, type InputPort, type Link, type NodeEntry, type Point, type Scope, type Workflow } from "./document";
import { isObject, type Json, type JsonObject } from "./json";

export function updateAt(document: Workflow, scope: Scope, change: (workflow: Workflow) => Workflow): Workflow {
  const [name, ...rest] = scope;
  if (name === undefined) return change(document);
  const inner = own(document.definitions, name);
  if (!inner) return document;
  const changed = updateAt(inner, rest, change);
  return changed === inner ? document : { ...document, definitions: { ...document.definitions, [name]: changed } };
}

export function without<T>(table: { readonly [key: string]: T }, ...keys: string[]): { [key: string]: T } {
  const copy = { ...table };
  for (const key of keys) delete copy[key];
  return copy;
}

export function setNode(workflow: Workflow, id: string, entry: NodeEntry): Workflow {
  return { ...workflow, nodes: { ...workflow.nodes, [id]: entry } };
}

export function changeNode(workflow: Workflow, id: string, change: (entry: NodeEntry) => NodeEntry): Workflow {
  const entry = own(nodesOf(workflow), id);
  return entry ? setNode(workflow, id, change(entry)) : workflow;
}

export function setLink(entry: NodeEntry, input: string, link: Link | undefined): NodeEntry {
  const links = without(entry.links ?? {}, input);
  if (link !== undefined && link.length) links[input] = link;
  return { ...entry, links };
}

/** Adds a link; at an input that takes several it joins those there, elsewhere it takes the place of the one there. */
export function addLink(entry: NodeEntry, shape: Shape, input: string, source: string, whole: boolean): NodeEntry {
  const field = shape.inputs.find((one) => one.name === input);
  const there = own(entry.links, input);
  if (!field || !isMany(field.type) || whole) return setLink(entry, input, source);
  const earlier = typeof there === "string" ? [] : (there ?? []);
  return earlier.includes(source) ? entry : setLink(entry, input, [...earlier, source]);
}

export function removeLink(entry: NodeEntry, input: string, source?: string): NodeEntry {
  const there = own(entry.links, input);
  if (there === undefined) return entry;
  if (typeof there === "string" || source === undefined) return source === undefined || there === source ? setLink(entry, input, undefined) : entry;
  return setLink(entry, input, there.filter((one) => one !== source));
}

/** Every link and declared output that reads `from` reads what `to` says instead; undefined takes it away. */
export function redirect(workflow: Workflow, to: (reference: string) => string | undefined): Workflow {
  const nodes: Record<string, NodeEntry> = {};
  let changed = false;
  for (const [id, entry] of Object.entries(nodesOf(workflow))) {
    let next = entry;
    for (const [input, link] of Object.entries(entry.links ?? {})) {
      const before = typeof link === "string" ? [link] : link;
      const after = before.map(to).filter((one) => one !== undefined);
      if (after.length === before.length && after.every((one, index) => one === before[index])) continue;
      next = setLink(next, input, typeof link === "string" ? after[0] : after);
    }
    changed ||= next !== entry;
    nodes[id] = next;
  }
  let outputs = workflow.outputs;
  for (const [name, port] of Object.entries(workflow.outputs ?? {})) {
    const from = to(port.from);
    if (from === port.from) continue;
    outputs = from === undefined ? without(outputs!, name) : { ...outputs, [name]: { ...port, from } };
  }
  return { ...workflow, ...(changed ? { nodes } : {}), ...(outputs ? { outputs } : {}) };
}

/** Every declared input sets what `to` says instead. An input that sets nothing any more goes. */
export function redirectInputs(workflow: Workflow, to: (reference: string) => readonly string[]): Workflow {
  if (!workflow.inputs) return workflow;
  const inputs: Record<string, InputPort> = {};
  for (const [name, port] of Object.entries(workflow.inputs)) {
    const targets = port.to.flatMap(to);
    if (targets.length) inputs[name] = targets.length === port.to.length && targets.every((one, index) => one === port.to[index]) ? port : { ...port, to: targets };
  }
  return { ...workflow, inputs };
}

// what is kept in `view`

export function viewPart(workflow: Workflow, key: string): JsonObject {
  const found = own(workflow.view, key);
  return isObject(found) ? found : {};
}

export function setViewPart(workflow: Workflow, key: string, value: Json | undefined): Workflow {
  const rest = without((workflow.view ?? {}) as JsonObject, key);
  const empty = value === undefined || (isObject(value) && !Object.keys(value).length) || (Array.isArray(value) && !value.length);
  return { ...workflow, view: empty ? rest : { ...rest, [key]: value } };
}

export function setNodeView(workflow: Workflow, id: string, change: JsonObject): Workflow {
  const nodes = viewPart(workflow, "nodes");
  const there = own(nodes, id);
  const next: Record<string, Json> = { ...(isObject(there) ? there : {}), ...change };
  for (const [key, value] of Object.entries(next)) if (value === false || value === "" || (Array.isArray(value) && !value.length)) delete next[key];
  return setViewPart(workflow, "nodes", { ...nodes, [id]: next });
}

export function place(workflow: Workflow, positions: { readonly [id: string]: Point }): Workflow {
  const nodes: Record<string, Json> = { ...viewPart(workflow, "nodes") };
  for (const [id, at] of Object.entries(positions)) {
    const there = nodes[id];
    nodes[id] = { ...(isObject(there) ? there : {}), x: Math.round(at.x), y: Math.round(at.y) };
  }
  return setViewPart(workflow, "nodes", nodes);
}

/** Takes nodes away with everything that names them. */
export function removeNodes(workflow: Workflow, ids: Iterable<string>): Workflow {
  const gone = new Set(ids);
  const isGone = (reference: string) => gone.has(split(reference)[0]);
  let next = redirect({ ...workflow, nodes: without(nodesOf(workflow), ...gone) }, (reference) => (isGone(reference) ? undefined : reference));
  next = redirectInputs(next, (reference) => (isGone(reference) ? [] : [reference]));
  next = setViewPart(next, "nodes", without(viewPart(next, "nodes"), ...gone));
  const points = viewPart(next, "links");
  return setViewPart(next, "links", without(points, ...Object.keys(points).filter(isGone)));
}

/** A name like `wanted` that `taken` does not have. */
export function freshName(wanted: string, taken: (name: string) => boolean): string {
  const base = wanted.replace(/[^A-Za-z0-9_-]+/g, "_").replace(/^([^A-Za-z_])/, "_$1").replace(/_+$/, "").slice(0, 80) || "node";
  if (!taken(base)) return base;
  const stem = base.replace(/_\d+$/, "");
  for (let number = 2; ; number += 1) if (!taken(`${stem}_${number}`)) return `${stem}_${number}`;
}

/** What flows through a node: for each of its outputs, the link at its first input of the same type. */
export function passedThrough(entry: NodeEntry, shape: Shape, agrees: (input: string, output: string) => boolean): Map<string, string> {
  const found = new Map<string, string>();
  for (const output of shape.outputs) {
    const input = shape.inputs.find((one) => linksOf(entry, one.name).length > 0 && agrees(one.name, output.name));
    const source = input && linksOf(entry, input.name)[0];
    if (source) found.set(output.name, source);
  }
  return found;
}

export function rootOf(document: Workflow, scope: Scope): Workflow {
  return workflowAt(document, scope) ?? {};
}
