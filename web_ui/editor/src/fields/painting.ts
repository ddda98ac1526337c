// Decides over which picture a mask is painted, and where a painted one goes.

import { api, picture } from "../api/client";
import type { InputInfo, NodeInfo } from "../api/types";
import { picturesAbove, type Level, type Output } from "../graph/above";
import { shapeOf } from "../graph/catalogue";
import { nodesOf, own, viewOf, workflowAt, type NodeEntry } from "../graph/document";
import { changeNode, updateAt } from "../graph/edit";
import { WIDTH } from "../graph/geometry";
import { numberOf } from "../graph/json";
import { activeTab, app, complain, dispatch, placeOf, say, setDocument, shown, statesOf, tabOf, type Tab } from "../state/app";
import { t } from "../text";

/** What is painted: the drawing in a field, or with `name` a mask over that input picture. */
export interface Painting {
  readonly node: string;
  readonly input: string;
  readonly name?: string;
}

export function paint(what: Painting): void {
  app.set({ dialog: { kind: "mask", ...what } });
}

const isPicture = (input: InputInfo) => input.choice_of === "picture";
const names = (of: readonly { readonly type: { readonly name?: string } }[]) => of.map((one) => one.type.name);

/** Whether what a node reads from a picture file is a mask alone. */
function readsMask(info: NodeInfo | undefined): boolean {
  return info !== undefined && info.inputs.some(isPicture) && info.outputs.length > 0 && names(info.outputs).every((name) => name === "Mask");
}

/** Whether the picture in this field is itself a mask that is painted on: one that is read as painted masks are, by the node's defaults. */
export function isPaintedMask({ node, input }: Painting): boolean {
  const entry = own(nodesOf(shown(activeTab())), node);
  const info = app.get().catalogue.get(entry?.type ?? "");
  return readsMask(info) && info!.inputs.every((one) => one.name === input || [undefined, one.default].includes(own(entry?.values, one.name) as typeof one.default));
}

export interface Ground {
  /** The address of the picture; none where it is not known yet. */
  readonly picture: string | null;
  /** The size of the mask where there is no picture. */
  readonly width: number;
  readonly height: number;
}

/** The nearest picture above the node that is known: an input picture, what a run made of it, or its preview. */
export function groundOf({ node, name }: Painting): Ground {
  const tab = activeTab();
  const entry = own(nodesOf(shown(tab)), node);
  const side = (which: string) => Math.max(1, numberOf(own(entry?.values, which)) ?? (numberOf(inputOf(tab, entry, which)?.default as never) ?? 512));
  const size = { width: side("width"), height: side("height") };
  if (name !== undefined) return { picture: picture.input(name), ...size };
  for (const source of picturesAbove(tab.history.document, app.get().catalogue, levelOf(tab), node)) {
    const found = pictureAt(tab, source);
    if (found) return { picture: found, ...size };
  }
  return { picture: null, ...size };
}

/** The place that is shown, with those that lead to it. */
function levelOf({ places }: Tab): Level {
  return places.reduce<Level>(
    (level, { scope, prefix }) => {
      if (prefix === level.prefix) return level;
      const node = prefix.slice(level.prefix.length, -1).replace(/\[0\]$/, "");
      return { scope, prefix, outer: { level, node } };
    },
    { scope: [], prefix: "" },
  );
}

function inputOf(tab: Tab, entry: NodeEntry | undefined, name: string): InputInfo | undefined {
  return entry && shapeOf(tab.history.document, placeOf(tab).scope, entry, app.get().catalogue).inputs.find((one) => one.name === name);
}

function pictureAt(tab: Tab, { level, node, output }: Output): string | null {
  const nodes = nodesOf(workflowAt(tab.history.document, level.scope) ?? {});
  const states = statesOf(tab.id);
  const entry = own(nodes, node);
  const field = entry && app.get().catalogue.get(entry.type)?.inputs.find(isPicture);
  const file = field && own(entry.values, field.name);
  if (typeof file === "string" && file) return picture.input(file);
  const readers = Object.keys(nodes).filter((id) => Object.values(nodes[id]!.links ?? {}).flat().includes(`${node}.${output}`));
  for (const id of [node, ...readers]) {
    const [result] = states.get(level.prefix + id).pictures ?? [];
    if (result) return picture.full(result);
  }
  return states.get(level.prefix + node).preview ?? null;
}

/** Keeps a painted mask: as a file, named in the node that loads masks. One step of undo. */
export async function useMask({ node, input }: Painting, mask: Blob): Promise<boolean> {
  const { id: tab } = activeTab();
  let name: string;
  try {
    ({ name } = await api.upload(mask));
  } catch (error) {
    complain(error);
    return false;
  }
  if (activeTab().id !== tab || !tabOf(tab)) return false;
  const workflow = shown(activeTab());
  const entry = own(nodesOf(workflow), node);
  const { catalogue } = app.get();
  if (entry && readsMask(catalogue.get(entry.type))) return put(node, input, name);
  const loaders = Object.entries(nodesOf(workflow)).filter(([, one]) => readsMask(catalogue.get(one.type)));
  const info = [...catalogue.values()].find(readsMask);
  const [only] = loaders;
  if (loaders.length === 1 && only) {
    const field = catalogue.get(only[1].type)!.inputs.find(isPicture)!;
    return put(only[0], field.name, name);
  }
  if (!info) return false;
  const at = viewOf(workflow, node) ?? { x: 0, y: 0 };
  const outcome = dispatch({ type: "node/add", nodeType: info.type, at: { x: at.x - WIDTH - 60, y: at.y }, values: { [info.inputs.find(isPicture)!.name]: name } }, { select: true });
  return told(outcome.ok ? (outcome.created[0] ?? "") : "", outcome.ok);
}

/** Names the file in a node, whose other fields return to their defaults: by these a painted mask is read. */
function put(node: string, input: string, name: string): boolean {
  const tab = activeTab();
  const next = updateAt(tab.history.document, placeOf(tab).scope, (workflow) => changeNode(workflow, node, (entry) => ({ ...entry, values: { [input]: name } })));
  setDocument(tab.id, next);
  return told(node, true);
}

function told(node: string, done: boolean): boolean {
  const entry = own(nodesOf(shown(activeTab())), node);
  if (done && entry) say(t("maskIsIn", { title: entry.title || app.get().catalogue.get(entry.type)?.title || node }));
  return done;
}
