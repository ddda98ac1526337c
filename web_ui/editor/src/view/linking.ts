// Decides, while a link is drawn, what may take it: each socket on screen asks for itself, and the answer is worked out once.

import { useSyncExternalStore } from "react";
import { linksOf, nodesOf, own } from "../graph/document";
import { inferTypes, refuseLink, shapesOf, typeOf, type Graph, type Types } from "../graph/infer";
import { refuse, type Refusal } from "../graph/reasons";
import type { SocketTypeInfo } from "../api/types";
import { inputOf } from "../graph/catalogue";
import { app, activeTab, knownAt, placeOf, shown } from "../state/app";

export interface End {
  readonly side: "source" | "target";
  readonly node: string;
  readonly socket: string;
}

interface Linking {
  readonly end: End;
  readonly graph: Graph;
  readonly types: Types;
  readonly verdicts: Map<string, Refusal | null>;
}

let current: Linking | null = null;
const listeners = new Set<() => void>();

export function graphOf(tab = activeTab()): Graph {
  const place = placeOf(tab);
  return { document: tab.history.document, scope: place.scope, workflow: shown(tab), catalogue: app.get().catalogue, known: knownAt(tab, place) };
}

export function startLinking(end: End | null): void {
  if (end === null) current = null;
  else {
    const graph = graphOf();
    current = { end, graph, types: inferTypes(graph, shapesOf(graph)), verdicts: new Map() };
  }
  for (const listener of [...listeners]) listener();
}

export function watchLinking(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const linkingFrom = (): End | null => current?.end ?? null;

/** Why the link that is drawn may not end at this socket; null when it may; undefined when none is drawn, or this is its start. */
export function judge(side: End["side"], node: string, socket: string): Refusal | null | undefined {
  if (!current) return undefined;
  const { end, graph, types, verdicts } = current;
  if (end.side === side) return end.node === node && end.socket === socket ? undefined : SAME_SIDE;
  const key = `${node}.${socket}`;
  let verdict = verdicts.get(key);
  if (verdict === undefined) {
    verdict = end.side === "source" ? refuseLink(graph, `${end.node}.${end.socket}`, node, socket, types) : refuseLink(graph, key, end.node, end.socket, types);
    verdicts.set(key, verdict);
  }
  return verdict;
}

const SAME_SIDE = refuse("sameSide");

export function useVerdict(side: End["side"], node: string, socket: string): "none" | "fits" | "refused" {
  return useSyncExternalStore(watchLinking, () => {
    const verdict = judge(side, node, socket);
    return verdict === undefined ? "none" : verdict === null ? "fits" : "refused";
  });
}

/** The type at one end of the link that is drawn. */
export function typeAt(end: End, graph = graphOf()): SocketTypeInfo | undefined {
  if (end.side === "source") return typeOf(inferTypes(graph), `${end.node}.${end.socket}`);
  const shape = shapesOf(graph).get(end.node);
  return shape && inputOf(shape, end.socket)?.type;
}

export const isLinked = (node: string, input: string): boolean => linksOf(own(nodesOf(shown(activeTab())), node), input).length > 0;
