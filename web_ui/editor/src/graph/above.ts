// Decides which outputs show the picture that comes into a node: the linked one, then what that was made from, as long as each thing in
// it stays where it is; into subgraphs and out of them.

import { shapeOf, type Catalogue } from "./catalogue";
import { linksOf, nodesOf, own, split, workflowAt, type NodeEntry, type Scope, type Workflow } from "./document";

/** A workflow within a document: where it is, how its nodes are called while it runs, and the node that it stands for. */
export interface Level {
  readonly scope: Scope;
  readonly prefix: string;
  readonly outer?: { readonly level: Level; readonly node: string };
}

export interface Output {
  readonly level: Level;
  readonly node: string;
  readonly output: string;
}

/** Nodes by whose names one knows that they move what is in a picture: a mask painted over it from before would not fit. */
const MOVES = /crop|pad_|flip|rotate|grid|sheet|caption|tile|warp|transform/;
const MOST = 500;

/** The outputs above a node, the nearest first. */
export function* picturesAbove(document: Workflow, catalogue: Catalogue, level: Level, node: string): Generator<Output> {
  const seen = new Set<string>();
  let waiting = into(level, node);
  for (let count = 0; waiting.length && count < MOST; count += 1) {
    const [at, ...rest] = waiting;
    waiting = rest;
    const key = `${at!.level.prefix}${at!.node}.${at!.output}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const entry = own(nodesOf(workflowAt(document, at!.level.scope) ?? {}), at!.node);
    if (!entry) continue;
    yield at!;
    waiting = [...waiting, ...(inside(at!, entry) ?? (MOVES.test(entry.type) || Object.values(entry.values ?? {}).includes("crop") ? [] : into(at!.level, at!.node)))];
  }

  /** What is linked into the inputs of a node that take pictures. */
  function into(within: Level, id: string): Output[] {
    const workflow = workflowAt(document, within.scope) ?? {};
    const entry = own(nodesOf(workflow), id);
    if (!entry) return [];
    const inputs = shapeOf(document, within.scope, entry, catalogue).inputs.filter(({ type }) => type.name === "Image" || type.item?.name === "Image");
    return inputs.flatMap(({ name }) => {
      const links = linksOf(entry, name).map((source) => ({ level: within, node: split(source)[0], output: split(source)[1] }));
      return links.length || !within.outer ? links : outside(workflow, within.outer, `${id}.${name}`);
    });
  }

  /** What is linked into the node that a workflow stands for, where that sets this input. */
  function outside(workflow: Workflow, { level: around, node: id }: NonNullable<Level["outer"]>, target: string): Output[] {
    const entry = own(nodesOf(workflowAt(document, around.scope) ?? {}), id);
    const ports = Object.entries(workflow.inputs ?? {}).filter(([, port]) => port.to.includes(target));
    return ports.flatMap(([port]) => linksOf(entry, port).map((source) => ({ level: around, node: split(source)[0], output: split(source)[1] })));
  }

  /** The output in a definition that a node's output stands for; none where the node has no definition. */
  function inside({ level: around, node: id, output }: Output, entry: NodeEntry): Output[] | undefined {
    const scope = shapeOf(document, around.scope, entry, catalogue).definition;
    if (!scope) return undefined;
    const from = own(workflowAt(document, scope)?.outputs, output)?.from;
    if (from === undefined) return [];
    return [{ level: { scope, prefix: prefixOf(around.prefix, id, entry), outer: { level: around, node: id } }, node: split(from)[0], output: split(from)[1] }];
  }
}

/** How the nodes inside of a node are called while it runs; of one that repeats, those of its first time. */
export function prefixOf(around: string, node: string, entry: NodeEntry): string {
  return `${around}${node}${entry.type.startsWith("workflow:") ? "" : "[0]"}/`;
}
