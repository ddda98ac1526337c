// Decides what a workflow document is in the editor: the file's own data, frozen in use and changed only by commands.
// Unknown fields and node types are kept; what the file says of layout is read through guards, since anyone may have written it.

import { isObject, numberOf, parse, stringify, JsonError, Written, type Json, type JsonObject } from "./json";
import { because, type Code, type Facts, type Reason } from "./reasons";

export const FORMAT = "latent-loom/1";
export const NODE_NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,99}$/;
export const REFERENCE = /^[A-Za-z_][A-Za-z0-9_-]{0,99}\.[A-Za-z_][A-Za-z0-9_]{0,99}$/;

export type Mode = "on" | "muted" | "bypassed";
export type Link = string | readonly string[];

export interface NodeEntry {
  readonly type: string;
  readonly version?: number;
  readonly values?: JsonObject;
  readonly links?: { readonly [input: string]: Link };
  readonly mode?: Mode;
  readonly title?: string;
  readonly over?: readonly string[];
  readonly state?: { readonly [output: string]: string };
}

export interface InputPort {
  readonly to: readonly string[];
  readonly title?: string;
  readonly help?: string;
}

export interface OutputPort {
  readonly from: string;
  readonly title?: string;
  readonly help?: string;
}

export interface Workflow {
  readonly format?: string;
  readonly title?: string;
  readonly description?: string;
  readonly inputs?: { readonly [name: string]: InputPort };
  readonly outputs?: { readonly [name: string]: OutputPort };
  readonly nodes?: { readonly [id: string]: NodeEntry };
  readonly definitions?: { readonly [name: string]: Workflow };
  readonly requires?: JsonObject;
  readonly view?: JsonObject;
}

/** Where in a document one edits: the names of the definitions that lead there. Empty: the workflow itself. */
export type Scope = readonly string[];

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface NodeView extends Point {
  readonly collapsed?: boolean;
  readonly colour?: string;
}

export interface Frame extends Point {
  readonly id: string;
  readonly title: string;
  readonly colour: string;
  readonly width: number;
  readonly height: number;
}

export interface Note extends Point {
  readonly id: string;
  readonly text: string;
  readonly colour: string;
  readonly width: number;
  readonly height: number;
}

export const EMPTY: Workflow = { format: FORMAT, nodes: {} };
const NOTHING: JsonObject = {};

/** What documents were read from. A changed one is another object. */
const texts = new WeakMap<object, string>();

/** The document in a JSON text. Throws JsonError with what is wrong and where. */
export function read(text: string): Workflow {
  return fromData(parse(text, { depth: 0, texts }));
}

/** The document in an answer of the server, which has it under `workflow`. Throws JsonError, as above. */
export function readAnswer(text: string): { readonly [key: string]: unknown; readonly workflow: Workflow } {
  const data = parse(text, { depth: 1, texts }) as JsonObject;
  return { ...data, workflow: fromData(data.workflow ?? null) };
}

/** A text that says what the document says, though not in the one form: that which it was read from, else the canonical one. */
export function anyTextOf(workflow: Workflow): string {
  return texts.get(workflow) ?? canonical(workflow);
}

export function fromData(data: Json): Workflow {
  if (!isObject(data)) throw new JsonError("noWorkflow");
  const waiting: [JsonObject, Reason][] = [[data, because("inWorkflow")]];
  for (const [workflow, where] of waiting) {
    for (const part of ["nodes", "inputs", "outputs", "definitions", "view", "requires"]) {
      if (workflow[part] !== undefined && !isObject(workflow[part])) throw new JsonError("partNoObject", { where, part });
    }
    for (const part of ["title", "description", "format"]) {
      if (workflow[part] !== undefined && typeof workflow[part] !== "string") throw new JsonError("partNoText", { where, part });
    }
    for (const [id, entry] of Object.entries((workflow.nodes as JsonObject) ?? NOTHING)) checkNode(id, entry, where);
    for (const [name, port] of Object.entries((workflow.inputs as JsonObject) ?? NOTHING)) {
      if (!isObject(port) || !isTexts(port.to)) throw new JsonError("inputNeedsTo", { where, name });
    }
    for (const [name, port] of Object.entries((workflow.outputs as JsonObject) ?? NOTHING)) {
      if (!isObject(port) || typeof port.from !== "string") throw new JsonError("outputNeedsFrom", { where, name });
    }
    for (const [name, inner] of Object.entries((workflow.definitions as JsonObject) ?? NOTHING)) {
      if (!isObject(inner)) throw new JsonError("definitionNoObject", { where, name });
      waiting.push([inner, because("inDefinition", { name })]);
    }
  }
  const format = data.format;
  if (typeof format !== "string" || !/^latent-loom\/[1-9][0-9]*$/.test(format)) throw new JsonError("noFormat", { format: FORMAT });
  if (format !== FORMAT) throw new JsonError("otherFormat", { format, known: FORMAT });
  return data as unknown as Workflow;
}

function checkNode(id: string, entry: Json, where: Reason): void {
  const fail = (what: Code, facts: Facts = {}): never => {
    throw new JsonError("atNode", { where, node: id, what: because(what, facts) });
  };
  if (!NODE_NAME.test(id)) fail("nodeName");
  if (!isObject(entry)) return fail("nodeNoObject");
  if (typeof entry.type !== "string" || !entry.type) fail("nodeNeedsType");
  if (entry.values !== undefined && !isObject(entry.values)) fail("nodeValues");
  if (entry.title !== undefined && typeof entry.title !== "string") fail("nodeTitle");
  if (entry.mode !== undefined && entry.mode !== "on" && entry.mode !== "muted" && entry.mode !== "bypassed") fail("nodeMode");
  if (entry.over !== undefined && !isTexts(entry.over)) fail("nodeOver");
  if (entry.links === undefined) return;
  if (!isObject(entry.links)) return fail("nodeLinks");
  for (const [input, link] of Object.entries(entry.links)) {
    const all = typeof link === "string" ? [link] : link;
    if (!isTexts(all) || !all.every((one) => REFERENCE.test(one))) fail("nodeLink", { input });
  }
}

function isTexts(value: Json | undefined): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

/** The one text form, equal to what the engine writes: sorted keys, defaults left out, a trailing newline. */
export function canonical(workflow: Workflow): string {
  return `${written(workflow).text}\n`;
}

/** What was written stays known: most of a document is that of a moment ago, and it is compared, kept and sent after each change. */
const known = new WeakMap<object, Written>();

export function written(workflow: Workflow): Written {
  return once(workflow, () => withoutDefaults(workflow), "");
}

function once(part: object, data: () => Parameters<typeof stringify>[0], indent: string): Written {
  let found = known.get(part);
  if (!found) known.set(part, (found = new Written(stringify(data(), indent), indent)));
  return found;
}

/** Those of a workflow which is in no other. */
const [VIEW_INDENT, NODE_INDENT] = ["  ", "    "];

function withoutDefaults(workflow: Workflow): { [key: string]: Json | Written | { [name: string]: Json | Written } } {
  const data: ReturnType<typeof withoutDefaults> = { ...(workflow as unknown as JsonObject), format: workflow.format ?? FORMAT };
  for (const key of ["title", "description"]) if (data[key] === "") delete data[key];
  for (const key of ["requires", "view"] as const) if (isObject(workflow[key]) && !Object.keys(workflow[key]).length) delete data[key];
  if (isObject(data.view)) data.view = once(data.view, () => workflow.view!, VIEW_INDENT);
  const map = (key: string, found: [string, Json | Written][]) => {
    if (found.length) data[key] = Object.fromEntries(found);
    else delete data[key];
  };
  map("nodes", Object.entries(workflow.nodes ?? {}).map(([id, entry]) => [id, once(entry, () => nodeWithoutDefaults(entry), NODE_INDENT)]));
  map("inputs", Object.entries(workflow.inputs ?? {}).map(([name, port]) => [name, portWithoutDefaults(port)]));
  map("outputs", Object.entries(workflow.outputs ?? {}).map(([name, port]) => [name, portWithoutDefaults(port)]));
  map("definitions", Object.entries(workflow.definitions ?? {}).map(([name, inner]) => [name, written(inner)]));
  return data;
}

function nodeWithoutDefaults(entry: NodeEntry): JsonObject {
  const data: Record<string, Json> = { ...(entry as unknown as JsonObject), version: entry.version ?? 1 };
  if (data.mode === "on") delete data.mode;
  if (data.title === "") delete data.title;
  for (const key of ["values", "links", "state", "over"]) {
    const value = data[key];
    if (value !== undefined && typeof value === "object" && value !== null && !Object.keys(value).length) delete data[key];
  }
  return data;
}

function portWithoutDefaults(port: InputPort | OutputPort): JsonObject {
  const data: Record<string, Json> = { ...(port as unknown as JsonObject) };
  for (const key of ["title", "help"]) if (data[key] === "") delete data[key];
  return data;
}

// reading

export function workflowAt(document: Workflow, scope: Scope): Workflow | undefined {
  return scope.reduce<Workflow | undefined>((at, name) => own(at?.definitions, name), document);
}

export function own<T>(table: { readonly [key: string]: T } | undefined, key: string): T | undefined {
  return table && Object.hasOwn(table, key) ? table[key] : undefined;
}

export function nodesOf(workflow: Workflow): { readonly [id: string]: NodeEntry } {
  return workflow.nodes ?? {};
}

export function linksOf(entry: NodeEntry | undefined, input: string): readonly string[] {
  const link = own(entry?.links, input);
  return link === undefined ? [] : typeof link === "string" ? [link] : link;
}

/** "node.output" taken apart. */
export function split(reference: string): [node: string, socket: string] {
  const dot = reference.indexOf(".");
  return dot < 0 ? [reference, ""] : [reference.slice(0, dot), reference.slice(dot + 1)];
}

/** Every link: from an output to an input. */
export function* eachLink(workflow: Workflow): Generator<{ source: string; node: string; input: string; many: boolean }> {
  for (const [node, entry] of Object.entries(nodesOf(workflow))) {
    for (const [input, link] of Object.entries(entry.links ?? {})) {
      if (typeof link === "string") yield { source: link, node, input, many: false };
      else for (const source of link) yield { source, node, input, many: true };
    }
  }
}

function part(workflow: Workflow, key: string): JsonObject {
  const found = own(workflow.view, key);
  return isObject(found) ? found : NOTHING;
}

export function viewOf(workflow: Workflow, id: string): NodeView | undefined {
  const found = own(part(workflow, "nodes"), id);
  if (!isObject(found)) return undefined;
  const [x, y] = [numberOf(found.x), numberOf(found.y)];
  if (x === undefined || y === undefined) return undefined;
  return { x: bounded(x), y: bounded(y), collapsed: found.collapsed === true, colour: typeof found.colour === "string" ? found.colour : "" };
}

export function framesOf(workflow: Workflow): Frame[] {
  return boxes(workflow, "frames").map(({ box, ...at }) => ({ ...at, title: textOf(box.title) }));
}

export function notesOf(workflow: Workflow): Note[] {
  return boxes(workflow, "notes").map(({ box, ...at }) => ({ ...at, text: textOf(box.text) }));
}

function boxes(workflow: Workflow, key: string) {
  const found = own(workflow.view, key);
  if (!Array.isArray(found)) return [];
  return found.filter(isObject).map((box, index) => ({
    box,
    id: typeof box.id === "string" ? box.id : `${index}`,
    colour: textOf(box.colour),
    x: bounded(numberOf(box.x) ?? 0),
    y: bounded(numberOf(box.y) ?? 0),
    width: Math.max(60, bounded(numberOf(box.width) ?? 300)),
    height: Math.max(40, bounded(numberOf(box.height) ?? 200)),
  }));
}

/** The points that a link is led over, by "node.input". */
export function pointsOf(workflow: Workflow, target: string): Point[] {
  const found = own(part(workflow, "links"), target);
  if (!Array.isArray(found)) return [];
  return found.filter(isObject).map((at) => ({ x: bounded(numberOf(at.x) ?? 0), y: bounded(numberOf(at.y) ?? 0) }));
}

/** The names of declared inputs or outputs in the order of the form. */
export function orderOf(workflow: Workflow, which: "inputs" | "outputs"): string[] {
  const order = own(workflow.view, which);
  const names = Object.keys(workflow[which] ?? {});
  const listed = isTexts(order) ? order.filter((name, index) => names.includes(name) && order.indexOf(name) === index) : [];
  return [...listed, ...names.filter((name) => !listed.includes(name)).sort()];
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

function bounded(value: number): number {
  return Number.isFinite(value) ? Math.max(-1e6, Math.min(1e6, value)) : 0;
}
