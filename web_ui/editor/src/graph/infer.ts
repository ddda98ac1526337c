// Decides what type each output has in this graph, and whether a link may be drawn: types flow from loaders downwards, and what the
// server found out about a loader's file goes before what the catalogue says.

import type { SocketTypeInfo } from "../api/types";
import { isMany, outputOf, shapeOf, inputOf, type Catalogue, type Shape } from "./catalogue";
import { eachLink, linksOf, nodesOf, own, split, type Scope, type Workflow } from "./document";
import { refuse, type Refusal } from "./reasons";
import { ANY, refusal, substitute, type Bindings } from "./sockets";

/** Types found by the server, by node and output. */
export type KnownTypes = { readonly [node: string]: { readonly [output: string]: SocketTypeInfo } };

export interface Graph {
  readonly document: Workflow;
  readonly scope: Scope;
  readonly workflow: Workflow;
  readonly catalogue: Catalogue;
  readonly known: KnownTypes;
}

/** The shapes of all nodes; one that nobody knows gets the outputs that others read. */
export function shapesOf(graph: Pick<Graph, "document" | "scope" | "workflow" | "catalogue">): Map<string, Shape> {
  const shapes = new Map<string, Shape>();
  let unknown = false;
  for (const [id, entry] of Object.entries(nodesOf(graph.workflow))) {
    const shape = shapeOf(graph.document, graph.scope, entry, graph.catalogue);
    unknown ||= !shape.known;
    shapes.set(id, shape);
  }
  if (!unknown) return shapes;
  for (const { source } of eachLink(graph.workflow)) {
    const [id, socket] = split(source);
    const shape = shapes.get(id);
    if (shape && !shape.known && !outputOf(shape, socket)) shapes.set(id, { ...shape, outputs: [...shape.outputs, { name: socket, type: ANY }] });
  }
  return shapes;
}

/** Node ids so that each comes after what it reads; knots of nodes that need each other come last. */
export function inOrder(workflow: Workflow): string[] {
  const nodes = nodesOf(workflow);
  const waits = new Map<string, number>(Object.keys(nodes).map((id) => [id, 0]));
  const readers = new Map<string, string[]>();
  for (const { source, node } of eachLink(workflow)) {
    const [from] = split(source);
    if (!waits.has(from)) continue;
    waits.set(node, waits.get(node)! + 1);
    const list = readers.get(from);
    if (list) list.push(node);
    else readers.set(from, [node]);
  }
  const ready = [...waits].filter(([, count]) => count === 0).map(([id]) => id);
  for (const id of ready) {
    for (const reader of readers.get(id) ?? []) {
      const left = waits.get(reader)! - 1;
      waits.set(reader, left);
      if (left === 0) ready.push(reader);
    }
  }
  const done = new Set(ready);
  return [...ready, ...Object.keys(nodes).filter((id) => !done.has(id))];
}

export type Types = Map<string, Map<string, SocketTypeInfo>>;

export function inferTypes(graph: Graph, shapes = shapesOf(graph)): Types {
  const types: Types = new Map();
  for (const id of inOrder(graph.workflow)) {
    const shape = shapes.get(id)!;
    const bindings = bindingsOf(graph, shape, id, types);
    const known = own(graph.known, id);
    types.set(id, new Map(shape.outputs.map((output) => [output.name, own(known, output.name) ?? substitute(output.type, bindings)])));
  }
  return types;
}

function bindingsOf(graph: Graph, shape: Shape, id: string, types: Types, except?: string): Bindings {
  const bindings: Bindings = new Map();
  const entry = own(nodesOf(graph.workflow), id);
  for (const input of shape.inputs) {
    if (input.name === except) continue;
    for (const source of linksOf(entry, input.name)) {
      const got = typeOf(types, source);
      if (got) refusal(got, elementOf(got, input.type), bindings);
    }
  }
  return bindings;
}

export function typeOf(types: Types, reference: string): SocketTypeInfo | undefined {
  const [id, socket] = split(reference);
  return types.get(id)?.get(socket);
}

/** What a link of type `got` has to fit at an input of type `want`: a list input takes a list, or links of single items. */
export function elementOf(got: SocketTypeInfo, want: SocketTypeInfo): SocketTypeInfo {
  return isMany(want) && got.kind !== "list" ? (want.item ?? ANY) : want;
}

/** Why no link may go from `source` to `node.input`; null when it may. */
export function refuseLink(graph: Graph, source: string, node: string, input: string, types = inferTypes(graph)): Refusal | null {
  const nodes = nodesOf(graph.workflow);
  const [from, socket] = split(source);
  const [origin, target] = [own(nodes, from), own(nodes, node)];
  if (!origin || !target) return refuse("endGone");
  if (from === node) return refuse("readsItself");
  const shape = shapeOf(graph.document, graph.scope, target, graph.catalogue);
  const field = inputOf(shape, input);
  if (!field) return shape.known ? refuse("noInput", { input }) : null;
  if (reaches(graph.workflow, node, from)) return refuse("circle");
  const got = typeOf(types, source) ?? outputOf(shapeOf(graph.document, graph.scope, origin, graph.catalogue), socket)?.type ?? ANY;
  const bindings = bindingsOf(graph, shape, node, types, isMany(field.type) ? undefined : input);
  const want = elementOf(got, field.type);
  const reason = refusal(got, want, bindings);
  if (reason === null) return null;
  return { ...refuse("typesDiffer", { source, got: got.text, reason }), conversions: conversionsBetween(graph.catalogue, got, substitute(want, bindings)) };
}

/** Whether what `from` gives is needed, directly or not, by `to`. */
export function reaches(workflow: Workflow, from: string, to: string): boolean {
  if (from === to) return true;
  const seen = new Set([to]);
  const nodes = nodesOf(workflow);
  for (const id of seen) {
    for (const link of Object.values(own(nodes, id)?.links ?? {})) {
      for (const reference of typeof link === "string" ? [link] : link) {
        const [source] = split(reference);
        if (source === from) return true;
        seen.add(source);
      }
    }
  }
  return false;
}

/** All nodes above or below the given ones, with them. */
export function closure(workflow: Workflow, ids: Iterable<string>, way: "up" | "down"): Set<string> {
  const next = new Map<string, string[]>();
  for (const { source, node } of eachLink(workflow)) {
    const [from] = split(source);
    const [key, value] = way === "up" ? [node, from] : [from, node];
    next.set(key, [...(next.get(key) ?? []), value]);
  }
  const found = new Set(ids);
  for (const id of found) for (const other of next.get(id) ?? []) found.add(other);
  return found;
}

export function conversionsBetween(catalogue: Catalogue, got: SocketTypeInfo, want: SocketTypeInfo): string[] {
  return [...catalogue.values()]
    .filter((info) => info.conversion)
    .filter((info) => info.inputs.some((field) => field.type.kind === "named" && refusal(got, field.type, new Map()) === null))
    .filter((info) => info.outputs.some((output) => refusal(output.type, want, new Map()) === null))
    .map((info) => info.type);
}

/** The first input of a shape that takes `got`, sockets before fields. */
export function fittingInput(shape: Shape, got: SocketTypeInfo): string | undefined {
  const fits = shape.inputs.filter((field) => refusal(got, elementOf(got, field.type), new Map()) === null);
  return (fits.find((field) => field.type.kind === "named" && field.type.name === got.name) ?? fits[0])?.name;
}

/** The first output of a shape that an input of type `want` takes. */
export function fittingOutput(shape: Shape, want: SocketTypeInfo): string | undefined {
  return shape.outputs.find((output) => refusal(output.type, elementOf(output.type, want), new Map()) === null)?.name;
}
