// Decides what can be done to a document. A command is plain data; carrying it out gives the changed document, or why it was refused.
// One gesture of the user is one command, and so one step of undo.

import { isSubgraph, shapeOf, inputOf, type Catalogue, type Shape } from "./catalogue";
import { framesOf, linksOf, nodesOf, notesOf, orderOf, own, split, workflowAt, NODE_NAME, type Frame, type Mode, type NodeEntry, type Note, type Point, type Scope, type Workflow } from "./document";
import { addLink, changeNode, freshName, passedThrough, place, redirect, redirectInputs, removeLink, removeNodes, setLink, setNode, setNodeView, setViewPart, updateAt, viewPart, without } from "./edit";
import { paste } from "./fragment";
import { conversionsBetween, elementOf, fittingInput, fittingOutput, inferTypes, refuseLink, shapesOf, typeOf, type Graph, type KnownTypes } from "./infer";
import { isObject, type Json, type JsonObject } from "./json";
import { refuse, type Refusal } from "./reasons";
import { ANY, refusal } from "./sockets";
import { dissolve, makeSubgraph } from "./subgraph";

export interface LinkPlace {
  readonly source: string;
  readonly node: string;
  readonly input: string;
}

export type Command =
  | { type: "node/add"; nodeType: string; at: Point; id?: string; values?: JsonObject; from?: string; to?: { node: string; input: string } }
  | { type: "node/remove"; ids: readonly string[]; heal?: boolean }
  | { type: "node/set"; ids: readonly string[]; mode?: Mode; title?: string; colour?: string; collapsed?: boolean }
  | { type: "node/rename"; id: string; name: string }
  | { type: "node/replace"; id: string; nodeType: string }
  | { type: "node/insert"; link: LinkPlace; id: string }
  | { type: "node/insert-new"; link: LinkPlace; nodeType: string; at: Point }
  | { type: "node/extract"; id: string }
  | { type: "move"; nodes?: { readonly [id: string]: Point }; frames?: { readonly [id: string]: Point }; notes?: { readonly [id: string]: Point } }
  | { type: "value/set"; node: string; input: string; value: Json }
  | { type: "value/reset"; node: string; input: string }
  | { type: "seed/roll"; node: string; input: string; on: boolean }
  | { type: "link/add"; source: string; node: string; input: string }
  | { type: "link/remove"; links: readonly LinkPlace[] }
  | { type: "link/reconnect"; link: LinkPlace; source: string; node: string; input: string }
  | { type: "link/convert"; source: string; node: string; input: string; nodeType: string; at: Point }
  | { type: "link/points"; target: string; points: readonly Point[] }
  | { type: "links/move-sources"; from: string; to: string }
  | { type: "frame/add"; frame: Omit<Frame, "id"> }
  | { type: "frame/set"; id: string; change: Partial<Omit<Frame, "id">> }
  | { type: "note/add"; note: Omit<Note, "id"> }
  | { type: "note/set"; id: string; change: Partial<Omit<Note, "id">> }
  | { type: "box/remove"; frames?: readonly string[]; notes?: readonly string[] }
  | { type: "paste"; fragment: Workflow; at: Point; keepLinks: boolean }
  | { type: "subgraph/make"; ids: readonly string[]; title: string }
  | { type: "subgraph/dissolve"; id: string }
  | { type: "input/declare"; to: string; name?: string }
  | { type: "input/set"; name: string; title?: string; help?: string }
  | { type: "input/remove"; name: string }
  | { type: "output/declare"; from: string; name?: string }
  | { type: "output/set"; name: string; title?: string; help?: string }
  | { type: "output/remove"; name: string }
  | { type: "port/order"; which: "inputs" | "outputs"; names: readonly string[] }
  | { type: "workflow/set"; title?: string; description?: string }
  | { type: "selection/remove"; nodes: readonly string[]; links: readonly LinkPlace[]; frames: readonly string[]; notes: readonly string[]; heal?: boolean };

export interface Context {
  readonly catalogue: Catalogue;
  readonly scope: Scope;
  /** Types that the server found out, at this place. */
  readonly known?: KnownTypes;
}

export type Outcome = { readonly ok: true; readonly document: Workflow; readonly created: readonly string[] } | Refusal;

const done = (document: Workflow, created: readonly string[] = []): Outcome => ({ ok: true, document, created });

export function perform(document: Workflow, command: Command, context: Context): Outcome {
  const workflow = workflowAt(document, context.scope);
  if (!workflow) return refuse("subgraphGone");
  const graph: Graph = { document, workflow, scope: context.scope, catalogue: context.catalogue, known: context.known ?? {} };
  const here = (next: Workflow, created: readonly string[] = []) => done(updateAt(document, context.scope, () => next), created);
  const has = (id: string) => own(nodesOf(workflow), id) !== undefined;

  switch (command.type) {
    case "node/add":
      return add(graph, command, here);
    case "node/remove":
      return here(remove(graph, command.ids, command.heal ?? false));
    case "selection/remove": {
      const cut = cutLinks(workflow, command.links);
      const boxes = removeBoxes(cut, command.frames, command.notes);
      return here(remove({ ...graph, workflow: boxes }, command.nodes, command.heal ?? false));
    }
    case "node/set":
      return here(command.ids.filter(has).reduce((at, id) => setOnNode(at, id, command), workflow));
    case "node/rename":
      return rename(workflow, command.id, command.name, here);
    case "node/replace":
      return replace(graph, command.id, command.nodeType, here);
    case "node/insert":
      return insert(graph, command.link, command.id, here);
    case "node/insert-new": {
      const added = add(graph, { type: "node/add", nodeType: command.nodeType, at: command.at }, here);
      if (!added.ok) return added;
      const [id] = added.created;
      const next: Graph = { ...graph, document: added.document, workflow: workflowAt(added.document, context.scope)! };
      return insert(next, command.link, id!, (changed) => done(updateAt(added.document, context.scope, () => changed), [id!]));
    }
    case "node/extract":
      return has(command.id) ? here(extract(graph, command.id)) : refuse("nodeGone");
    case "move":
      return here(moveBoxes(place(workflow, filtered(command.nodes ?? {}, has)), command.frames ?? {}, command.notes ?? {}));
    case "value/set":
      if (!has(command.node)) return refuse("nodeGone");
      return here(changeNode(workflow, command.node, (entry) => ({ ...entry, values: { ...entry.values, [command.input]: command.value } })));
    case "value/reset":
      return here(changeNode(workflow, command.node, (entry) => ({ ...entry, values: without(entry.values ?? {}, command.input) })));
    case "seed/roll": {
      const view = own(viewPart(workflow, "nodes"), command.node);
      const rolls = isObject(view) && Array.isArray(view.rolls) ? view.rolls.filter((one) => one !== command.input) : [];
      return here(setNodeView(workflow, command.node, { rolls: command.on ? [...rolls, command.input] : rolls }));
    }
    case "link/add":
      return connect(graph, command.source, command.node, command.input, here);
    case "link/remove":
      return here(cutLinks(workflow, command.links));
    case "link/reconnect": {
      const cut = cutLinks(workflow, [command.link]);
      return connect({ ...graph, workflow: cut, document: updateAt(document, context.scope, () => cut) }, command.source, command.node, command.input, here);
    }
    case "link/convert":
      return convert(graph, command, here);
    case "link/points":
      return here(setViewPart(workflow, "links", command.points.length ? { ...viewPart(workflow, "links"), [command.target]: command.points.map((at) => ({ x: Math.round(at.x), y: Math.round(at.y) })) } : without(viewPart(workflow, "links"), command.target)));
    case "links/move-sources":
      return moveSources(graph, command.from, command.to, here);
    case "frame/add": {
      const id = freshName("frame", (name) => framesOf(workflow).some((one) => one.id === name));
      return here(setBoxes(workflow, "frames", [...framesOf(workflow), rounded({ ...command.frame, id })]), [id]);
    }
    case "frame/set":
      return here(setBoxes(workflow, "frames", framesOf(workflow).map((one) => (one.id === command.id ? rounded({ ...one, ...command.change }) : one))));
    case "note/add": {
      const id = freshName("note", (name) => notesOf(workflow).some((one) => one.id === name));
      return here(setBoxes(workflow, "notes", [...notesOf(workflow), rounded({ ...command.note, id })]), [id]);
    }
    case "note/set":
      return here(setBoxes(workflow, "notes", notesOf(workflow).map((one) => (one.id === command.id ? rounded({ ...one, ...command.change }) : one))));
    case "box/remove":
      return here(removeBoxes(workflow, command.frames ?? [], command.notes ?? []));
    case "paste": {
      const pasted = paste(document, context.scope, command.fragment, command.at, command.keepLinks);
      const definitions = Object.keys(pasted.definitions).length ? { definitions: { ...workflow.definitions, ...pasted.definitions } } : {};
      return here({ ...pasted.workflow, ...definitions }, pasted.ids);
    }
    case "subgraph/make": {
      const made = makeSubgraph(document, context.scope, command.ids, command.title, context.catalogue);
      return "ok" in made ? made : done(made.document, [made.id]);
    }
    case "subgraph/dissolve": {
      const written = dissolve(document, context.scope, command.id);
      return "ok" in written ? written : done(written.document, written.ids);
    }
    case "input/declare":
      return declareInput(workflow, command.to, command.name, here);
    case "output/declare":
      return declareOutput(workflow, command.from, command.name, here);
    case "input/set":
      return here(changePort(workflow, "inputs", command.name, command));
    case "output/set":
      return here(changePort(workflow, "outputs", command.name, command));
    case "input/remove":
      return here({ ...workflow, inputs: without(workflow.inputs ?? {}, command.name) });
    case "output/remove":
      return here({ ...workflow, outputs: without(workflow.outputs ?? {}, command.name) });
    case "port/order":
      return here(setViewPart(workflow, command.which, [...command.names]));
    case "workflow/set":
      return here({ ...workflow, ...(command.title === undefined ? {} : { title: command.title }), ...(command.description === undefined ? {} : { description: command.description }) });
  }
}

type Here = (next: Workflow, created?: readonly string[]) => Outcome;

function add(graph: Graph, command: Extract<Command, { type: "node/add" }>, here: Here): Outcome {
  const { workflow } = graph;
  const info = graph.catalogue.get(command.nodeType);
  const wanted = command.id ?? command.nodeType.slice(Math.max(command.nodeType.lastIndexOf("."), command.nodeType.lastIndexOf(":")) + 1);
  const id = freshName(wanted, (name) => own(nodesOf(workflow), name) !== undefined);
  const entry: NodeEntry = { type: command.nodeType, version: info?.version ?? 1, values: command.values ?? {}, links: {} };
  if (isSubgraph(entry) && containsItself(graph, entry)) return refuse("holdsItself");
  let next = place(setNode(workflow, id, entry), { [id]: command.at });
  const shape = shapeOf(graph.document, graph.scope, entry, graph.catalogue);
  if (command.from !== undefined) {
    const got = typeOf(inferTypes(graph), command.from) ?? ANY;
    const input = fittingInput(shape, got);
    if (!input) return refuse("takesNothing", { title: shape.title, type: got.text });
    next = setNode(next, id, addLink(entry, shape, input, command.from, got.kind === "list"));
  }
  if (command.to !== undefined) {
    const target = own(nodesOf(workflow), command.to.node);
    const targetShape = target && shapeOf(graph.document, graph.scope, target, graph.catalogue);
    const field = targetShape && inputOf(targetShape, command.to.input);
    const output = field && fittingOutput(shape, field.type);
    if (!target || !targetShape || !field || !output) return refuse("givesNothing", { title: shape.title });
    const whole = shape.outputs.find((one) => one.name === output)?.type.kind === "list";
    next = setNode(next, command.to.node, addLink(target, targetShape, command.to.input, `${id}.${output}`, whole));
  }
  return here(next, [id]);
}

function containsItself(graph: Graph, entry: NodeEntry): boolean {
  return graph.scope.includes(entry.type.slice(entry.type.indexOf(":") + 1));
}

function remove(graph: Graph, ids: readonly string[], heal: boolean): Workflow {
  let { workflow } = graph;
  for (const id of heal ? ids : []) workflow = redirectThrough({ ...graph, workflow }, id);
  return removeNodes(workflow, ids);
}

/** What read an output of the node reads what flowed into it instead, where the types agree. */
function redirectThrough(graph: Graph, id: string): Workflow {
  const entry = own(nodesOf(graph.workflow), id);
  if (!entry) return graph.workflow;
  const shape = shapesOf(graph).get(id)!;
  const through = passedThrough(entry, shape, agreement(shape));
  return redirect(graph.workflow, (reference) => {
    const [node, socket] = split(reference);
    return node === id ? (through.get(socket) ?? reference) : reference;
  });
}

function agreement(shape: Shape) {
  return (input: string, output: string) => {
    const [field, gives] = [inputOf(shape, input), shape.outputs.find((one) => one.name === output)];
    return field !== undefined && gives !== undefined && refusal(field.type, gives.type, new Map()) === null;
  };
}

function extract(graph: Graph, id: string): Workflow {
  const entry = own(nodesOf(graph.workflow), id)!;
  const shape = shapesOf(graph).get(id)!;
  const passing = new Set(passedThrough(entry, shape, agreement(shape)).values());
  const healed = redirectThrough(graph, id);
  return changeNode(healed, id, (one) => Object.keys(one.links ?? {}).reduce((at, input) => (linksOf(at, input).some((source) => passing.has(source)) ? setLink(at, input, undefined) : at), one));
}

function setOnNode(workflow: Workflow, id: string, change: Extract<Command, { type: "node/set" }>): Workflow {
  let next = workflow;
  if (change.mode !== undefined || change.title !== undefined) {
    next = changeNode(next, id, (entry) => ({ ...entry, ...(change.mode === undefined ? {} : { mode: change.mode }), ...(change.title === undefined ? {} : { title: change.title }) }));
  }
  const view: Record<string, Json> = {};
  if (change.colour !== undefined) view.colour = change.colour;
  if (change.collapsed !== undefined) view.collapsed = change.collapsed;
  return Object.keys(view).length ? setNodeView(next, id, view) : next;
}

function rename(workflow: Workflow, id: string, name: string, here: Here): Outcome {
  const entry = own(nodesOf(workflow), id);
  if (!entry) return refuse("nodeGone");
  if (id === name) return here(workflow);
  if (!NODE_NAME.test(name)) return refuse("badName");
  if (own(nodesOf(workflow), name)) return refuse("nameTaken", { name });
  const to = (reference: string) => (split(reference)[0] === id ? `${name}.${split(reference)[1]}` : reference);
  let next: Workflow = { ...workflow, nodes: { ...without(nodesOf(workflow), id), [name]: entry } };
  next = redirectInputs(redirect(next, to), (target) => [to(target)]);
  const views = viewPart(next, "nodes");
  const view = own(views, id);
  if (view !== undefined) next = setViewPart(next, "nodes", { ...without(views, id), [name]: view });
  const points = viewPart(next, "links");
  return here(setViewPart(next, "links", Object.fromEntries(Object.entries(points).map(([key, value]) => [to(key), value]))), [name]);
}

function replace(graph: Graph, id: string, nodeType: string, here: Here): Outcome {
  const entry = own(nodesOf(graph.workflow), id);
  const info = graph.catalogue.get(nodeType);
  if (!entry || !info) return refuse("noSuchNode");
  const names = new Set(info.inputs.map((field) => field.name));
  const keep = <T>(table: { readonly [key: string]: T } | undefined) => filtered(table ?? {}, (name) => names.has(name));
  const outputs = new Set(info.outputs.map((output) => output.name));
  const next = setNode(graph.workflow, id, { ...entry, type: nodeType, version: info.version, values: keep(entry.values), links: keep(entry.links) });
  const gone = (reference: string) => split(reference)[0] === id && !outputs.has(split(reference)[1]);
  return here(redirectInputs(redirect(next, (one) => (gone(one) ? undefined : one)), (target) => (split(target)[0] === id && !names.has(split(target)[1]) ? [] : [target])), [id]);
}

function insert(graph: Graph, link: LinkPlace, id: string, here: Here): Outcome {
  const [entry, target] = [own(nodesOf(graph.workflow), id), own(nodesOf(graph.workflow), link.node)];
  if (!entry || !target || !linksOf(target, link.input).includes(link.source)) return refuse("linkGone");
  if (id === link.node || id === split(link.source)[0]) return refuse("atThisLink");
  const shapes = shapesOf(graph);
  const got = typeOf(inferTypes(graph, shapes), link.source) ?? ANY;
  const [shape, targetShape] = [shapes.get(id)!, shapes.get(link.node)!];
  const want = inputOf(targetShape, link.input)?.type ?? ANY;
  const input = fittingInput(shape, got);
  const output = fittingOutput(shape, want);
  if (!input || !output) return refuse("fitsNotBetween", { title: shape.title, got: got.text, want: want.text });
  const cut = changeNode(graph.workflow, link.node, (one) => replaceSource(one, link.input, link.source, `${id}.${output}`));
  const next = changeNode(cut, id, (one) => addLink(one, shape, input, link.source, got.kind === "list"));
  return here(next, [id]);
}

function replaceSource(entry: NodeEntry, input: string, from: string, to: string): NodeEntry {
  const link = own(entry.links, input);
  if (link === undefined) return entry;
  return setLink(entry, input, typeof link === "string" ? to : link.map((one) => (one === from ? to : one)));
}

function connect(graph: Graph, source: string, node: string, input: string, here: Here): Outcome {
  const types = inferTypes(graph);
  const refused = refuseLink(graph, source, node, input, types);
  if (refused) return refused;
  const target = own(nodesOf(graph.workflow), node)!;
  const shape = shapeOf(graph.document, graph.scope, target, graph.catalogue);
  const whole = typeOf(types, source)?.kind === "list";
  const next = setNode(graph.workflow, node, addLink(target, shape, input, source, whole));
  const key = `${node}.${input}`;
  return here(own(viewPart(next, "links"), key) === undefined ? next : setViewPart(next, "links", without(viewPart(next, "links"), key)));
}

function convert(graph: Graph, command: Extract<Command, { type: "link/convert" }>, here: Here): Outcome {
  const got = typeOf(inferTypes(graph), command.source) ?? ANY;
  const target = own(nodesOf(graph.workflow), command.node);
  const want = target && inputOf(shapeOf(graph.document, graph.scope, target, graph.catalogue), command.input)?.type;
  if (!want || !conversionsBetween(graph.catalogue, got, elementOf(got, want)).includes(command.nodeType)) return refuse("convertsNot");
  return add(graph, { type: "node/add", nodeType: command.nodeType, at: command.at, from: command.source, to: { node: command.node, input: command.input } }, here);
}

function cutLinks(workflow: Workflow, links: readonly LinkPlace[]): Workflow {
  return links.reduce((at, link) => {
    const cut = changeNode(at, link.node, (entry) => removeLink(entry, link.input, link.source));
    const key = `${link.node}.${link.input}`;
    return own(viewPart(cut, "links"), key) === undefined ? cut : setViewPart(cut, "links", without(viewPart(cut, "links"), key));
  }, workflow);
}

/** All links that leave one output leave another: each that may, moves. */
function moveSources(graph: Graph, from: string, to: string, here: Here): Outcome {
  let at = graph;
  let refused: Refusal | null = null;
  let count = 0;
  for (const [node, entry] of Object.entries(nodesOf(graph.workflow))) {
    for (const input of Object.keys(entry.links ?? {})) {
      if (!linksOf(entry, input).includes(from)) continue;
      const cut = changeNode(at.workflow, node, (one) => removeLink(one, input, from));
      const why = refuseLink({ ...at, workflow: cut, document: updateAt(graph.document, graph.scope, () => cut) }, to, node, input);
      if (why) {
        refused = why;
        continue;
      }
      const next = changeNode(at.workflow, node, (one) => replaceSource(one, input, from, to));
      at = { ...at, workflow: next, document: updateAt(graph.document, graph.scope, () => next) };
      count += 1;
    }
  }
  return count ? here(at.workflow) : (refused ?? refuse("noLinkLeaves"));
}

function declareInput(workflow: Workflow, to: string, name: string | undefined, here: Here): Outcome {
  const [node, input] = split(to);
  if (!own(nodesOf(workflow), node)) return refuse("nodeGone");
  if (Object.values(workflow.inputs ?? {}).some((port) => port.to.includes(to))) return refuse("inputAlready");
  const wanted = (name ?? input).replace(/[^A-Za-z0-9_]/g, "_");
  const port = freshName(own(workflow.inputs, wanted) ? `${node.replaceAll("-", "_")}_${input}` : wanted, (one) => own(workflow.inputs, one) !== undefined);
  const order = orderOf(workflow, "inputs");
  return here(setViewPart({ ...workflow, inputs: { ...workflow.inputs, [port]: { to: [to] } } }, "inputs", [...order, port]), [port]);
}

function declareOutput(workflow: Workflow, from: string, name: string | undefined, here: Here): Outcome {
  const [node, socket] = split(from);
  if (!own(nodesOf(workflow), node)) return refuse("nodeGone");
  if (Object.values(workflow.outputs ?? {}).some((port) => port.from === from)) return refuse("outputAlready");
  const port = freshName((name ?? socket).replace(/[^A-Za-z0-9_]/g, "_"), (one) => own(workflow.outputs, one) !== undefined);
  const order = orderOf(workflow, "outputs");
  return here(setViewPart({ ...workflow, outputs: { ...workflow.outputs, [port]: { from } } }, "outputs", [...order, port]), [port]);
}

function changePort(workflow: Workflow, which: "inputs" | "outputs", name: string, change: { title?: string; help?: string }): Workflow {
  const port = own(workflow[which] as { [key: string]: object } | undefined, name);
  if (!port) return workflow;
  const next = { ...port, ...(change.title === undefined ? {} : { title: change.title }), ...(change.help === undefined ? {} : { help: change.help }) };
  return { ...workflow, [which]: { ...workflow[which], [name]: next } };
}

function moveBoxes(workflow: Workflow, frames: { readonly [id: string]: Point }, notes: { readonly [id: string]: Point }): Workflow {
  let next = workflow;
  if (Object.keys(frames).length) next = setBoxes(next, "frames", framesOf(next).map((one) => rounded({ ...one, ...own(frames, one.id) })));
  if (Object.keys(notes).length) next = setBoxes(next, "notes", notesOf(next).map((one) => rounded({ ...one, ...own(notes, one.id) })));
  return next;
}

function removeBoxes(workflow: Workflow, frames: readonly string[], notes: readonly string[]): Workflow {
  let next = workflow;
  if (frames.length) next = setBoxes(next, "frames", framesOf(next).filter((one) => !frames.includes(one.id)));
  if (notes.length) next = setBoxes(next, "notes", notesOf(next).filter((one) => !notes.includes(one.id)));
  return next;
}

function setBoxes(workflow: Workflow, key: "frames" | "notes", boxes: readonly (Frame | Note)[]): Workflow {
  return setViewPart(workflow, key, boxes as unknown as Json);
}

function rounded<T extends Frame | Note>(box: T): T {
  return { ...box, x: Math.round(box.x), y: Math.round(box.y), width: Math.round(box.width), height: Math.round(box.height) };
}

function filtered<T>(table: { readonly [key: string]: T }, keep: (key: string) => boolean): { [key: string]: T } {
  return Object.fromEntries(Object.entries(table).filter(([key]) => keep(key)));
}
