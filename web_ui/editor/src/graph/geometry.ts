// Decides how large a node is and where its sockets are, from its shape alone: nothing has to be measured in the page,
// which is what makes a graph of thousands of nodes open at once. The stylesheet holds to the same numbers.

import type { InputInfo } from "../api/types";
import type { Shape } from "./catalogue";
import { own, type NodeEntry } from "./document";

export const WIDTH = 264;
export const HEADER = 36;
export const ROW = 28;
export const TEXT_ROW = 96;
export const PICTURE_ROW = 148;
export const PREVIEW = 248;
export const FOOT = 8;
export const SOCKET = 14;
const BORDER = 1;
export const COLLAPSED = HEADER;

export type Row =
  | { readonly kind: "sockets"; readonly y: number; readonly height: number; readonly input?: string; readonly output?: string }
  | { readonly kind: "field"; readonly y: number; readonly height: number; readonly input: string };

export interface SocketPlace {
  readonly id: string;
  readonly side: "source" | "target";
  readonly x: number;
  readonly y: number;
}

export interface Geometry {
  readonly width: number;
  readonly height: number;
  readonly rows: readonly Row[];
  readonly sockets: readonly SocketPlace[];
}

/** Whether an input has a field on the node; all others are only linked. */
export function isField(input: InputInfo): boolean {
  if (input.choices?.length || input.choice_of) return true;
  const of = input.type;
  const options = of.kind === "union" ? (of.options ?? []) : [of];
  return options.some((one) => one.kind === "named" && ["bool", "int", "float", "text"].includes(one.name ?? ""));
}

export function rowHeight(input: InputInfo, linked: boolean): number {
  if (linked) return ROW;
  if (input.choice_of === "picture") return PICTURE_ROW;
  return input.multiline ? TEXT_ROW : ROW;
}

const kept = new WeakMap<Shape, Map<string, Geometry>>();

export function geometryOf(shape: Shape, entry: NodeEntry, collapsed: boolean, pictured: boolean): Geometry {
  const linked = shape.inputs.filter((input) => own(entry.links, input.name) !== undefined).map((input) => input.name);
  const key = `${collapsed}|${pictured}|${linked.join(",")}`;
  const bucket = kept.get(shape) ?? new Map<string, Geometry>();
  kept.set(shape, bucket);
  let found = bucket.get(key);
  if (!found) bucket.set(key, (found = collapsed ? folded(shape) : unfolded(shape, new Set(linked), pictured)));
  return found;
}

function unfolded(shape: Shape, linked: ReadonlySet<string>, pictured: boolean): Geometry {
  const links = shape.inputs.filter((input) => !isField(input));
  const rows: Row[] = [];
  const sockets: SocketPlace[] = [];
  let y = HEADER;
  for (let index = 0; index < Math.max(links.length, shape.outputs.length); index += 1) {
    const [input, output] = [links[index]?.name, shape.outputs[index]?.name];
    rows.push({ kind: "sockets", y, height: ROW, input, output });
    if (input !== undefined) sockets.push({ id: input, side: "target", x: BORDER, y: y + ROW / 2 + BORDER });
    if (output !== undefined) sockets.push({ id: output, side: "source", x: WIDTH - BORDER, y: y + ROW / 2 + BORDER });
    y += ROW;
  }
  for (const input of shape.inputs.filter(isField)) {
    const height = rowHeight(input, linked.has(input.name));
    rows.push({ kind: "field", y, height, input: input.name });
    sockets.push({ id: input.name, side: "target", x: BORDER, y: y + ROW / 2 + BORDER });
    y += height;
  }
  return { width: WIDTH, height: y + (pictured ? PREVIEW : 0) + FOOT, rows, sockets };
}

function folded(shape: Shape): Geometry {
  const y = COLLAPSED / 2;
  return {
    width: WIDTH,
    height: COLLAPSED,
    rows: [],
    sockets: [
      ...shape.inputs.map((input) => ({ id: input.name, side: "target" as const, x: 0, y })),
      ...shape.outputs.map((output) => ({ id: output.name, side: "source" as const, x: WIDTH, y })),
    ],
  };
}
