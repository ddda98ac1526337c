// Decides what a node looks like to the editor: its sockets and fields, from the catalogue for known types, from a definition for
// subgraphs, and from the entry alone for types that nobody knows here.

import type { InputInfo, NodeInfo, OutputInfo, SocketTypeInfo } from "../api/types";
import { nodesOf, orderOf, own, split, workflowAt, type NodeEntry, type Scope, type Workflow } from "./document";
import { ANY, listOf, named } from "./sockets";

export type Catalogue = ReadonlyMap<string, NodeInfo>;

export interface Shape {
  readonly known: boolean;
  readonly title: string;
  readonly summary: string;
  readonly category: string;
  readonly sink: boolean;
  readonly inputs: readonly InputInfo[];
  readonly outputs: readonly OutputInfo[];
  /** The scope of the definition that this node uses. */
  readonly definition?: Scope;
}

const MAX_NESTING = 16;
const REPEATS = ["workflow:", "map:", "fold:"];

export function isSubgraph(entry: NodeEntry | undefined): boolean {
  return entry !== undefined && REPEATS.some((prefix) => entry.type.startsWith(prefix));
}

/** Where the definition called `name` is, seen from `scope`: the innermost one around. */
export function definitionScope(document: Workflow, scope: Scope, name: string): Scope | undefined {
  for (let depth = scope.length; depth >= 0; depth -= 1) {
    const at = scope.slice(0, depth);
    if (own(workflowAt(document, at)?.definitions, name)) return [...at, name];
  }
  return undefined;
}

const cached = new WeakMap<NodeInfo, Shape>();

export function shapeOf(document: Workflow, scope: Scope, entry: NodeEntry, catalogue: Catalogue, depth = 0): Shape {
  const info = catalogue.get(entry.type);
  if (info) {
    let shape = cached.get(info);
    if (!shape) {
      shape = { known: true, title: info.title, summary: info.summary, category: info.category, sink: info.sink, inputs: info.inputs, outputs: info.outputs };
      cached.set(info, shape);
    }
    return shape;
  }
  if (isSubgraph(entry) && depth < MAX_NESTING) {
    const [kind = "", name = ""] = [entry.type.slice(0, entry.type.indexOf(":")), entry.type.slice(entry.type.indexOf(":") + 1)];
    const at = definitionScope(document, scope, name);
    const inner = at && workflowAt(document, at);
    if (at && inner) return subgraphShape(document, at, inner, name, kind, entry, catalogue, depth);
  }
  return unknownShape(entry);
}

function subgraphShape(document: Workflow, at: Scope, inner: Workflow, name: string, kind: string, entry: NodeEntry, catalogue: Catalogue, depth: number): Shape {
  const inputs: InputInfo[] = orderOf(inner, "inputs").map((port) => portField(document, at, inner, port, catalogue, depth));
  const outputs: OutputInfo[] = orderOf(inner, "outputs").map((port) => {
    const [node, socket] = split(inner.outputs?.[port]?.from ?? "");
    const source = own(nodesOf(inner), node);
    const found = source && shapeOf(document, at, source, catalogue, depth + 1).outputs.find((one) => one.name === socket);
    return { name: port, type: found?.type ?? ANY, help: inner.outputs?.[port]?.help || found?.help || "" };
  });
  const repeated = inputs.map((one) => (entry.over?.includes(one.name) ? { ...one, type: listOf(one.type) } : one));
  const times: InputInfo[] = kind === "fold" && !entry.over?.length ? [{ name: "times", type: named("int"), required: true, range: { minimum: 0, maximum: 100000 } }] : [];
  return {
    known: true,
    title: inner.title || name,
    summary: inner.description ?? "",
    category: "subgraph",
    sink: false,
    inputs: [...times, ...repeated],
    outputs: kind === "map" ? outputs.map((one) => ({ ...one, type: listOf(one.type) })) : outputs,
    definition: at,
  };
}

/** The field of a declared input: that of the first node input it sets, under its own name and with the value there as its default. */
export function portField(document: Workflow, scope: Scope, workflow: Workflow, port: string, catalogue: Catalogue, depth = 0): InputInfo {
  const declared = workflow.inputs?.[port];
  const [node, input] = split(declared?.to[0] ?? "");
  const entry = own(nodesOf(workflow), node);
  const found = entry && shapeOf(document, scope, entry, catalogue, depth + 1).inputs.find((one) => one.name === input);
  const value = own(entry?.values, input);
  const base: InputInfo = found ?? { name: port, type: ANY, required: true };
  const help = declared?.help || base.help || "";
  return value === undefined ? { ...base, name: port, help } : { ...base, name: port, help, required: false, default: value as InputInfo["default"] };
}

function unknownShape(entry: NodeEntry): Shape {
  const names = [...new Set([...Object.keys(entry.links ?? {}), ...Object.keys(entry.values ?? {})])].sort();
  return {
    known: false,
    title: entry.type,
    summary: "",
    category: "",
    sink: false,
    inputs: names.map((name) => ({ name, type: ANY, required: false, optional: true })),
    outputs: [],
  };
}

export function inputOf(shape: Shape, name: string): InputInfo | undefined {
  return shape.inputs.find((one) => one.name === name);
}

export function outputOf(shape: Shape, name: string): OutputInfo | undefined {
  return shape.outputs.find((one) => one.name === name);
}

export function isMany(type: SocketTypeInfo): boolean {
  return type.kind === "list";
}
