// Decides what the editor holds: the open workflows, which is shown and how, and what may change it. Views read this, actions write it.

import { api } from "../api/client";
import { JsonError } from "../graph/json";
import { inOwnWords, tell } from "../text";
import type { Connection } from "../api/events";
import type { CheckReply, NodeInfo, ProblemEntry, Queue, SocketTypeInfo } from "../api/types";
import { shapeOf, type Catalogue } from "../graph/catalogue";
import { prefixOf } from "../graph/above";
import { perform, type Command, type LinkPlace, type Outcome } from "../graph/commands";
import { canonical, nodesOf, own, workflowAt, EMPTY, type Scope, type Workflow } from "../graph/document";
import { advance, begin, redo, undo, type History } from "../graph/history";
import type { KnownTypes } from "../graph/infer";
import { NodeStates } from "../run/nodes";
import { createStore, useStore } from "./store";

/** One step into a subgraph: the definition that is shown, and the path of the node that led there. */
export interface Place {
  readonly scope: Scope;
  readonly prefix: string;
  readonly title: string;
}

export interface Selection {
  readonly nodes: ReadonlySet<string>;
  readonly links: ReadonlySet<string>;
}

export type Mode = "graph" | "form" | "list";
export type Panel = "queue" | "gallery" | "inspect" | "ports" | null;

export interface Tab {
  readonly id: string;
  readonly history: History;
  readonly places: readonly Place[];
  readonly selection: Selection;
  readonly mode: Mode;
  /** Its name on the server, and the content that was there when it was loaded or saved. */
  readonly name: string | null;
  readonly etag: string | null;
  readonly saved: Workflow;
  /** The etag of what someone else has saved meanwhile. */
  readonly conflict: string | null;
  readonly job: string | null;
  readonly running: boolean;
  readonly problems: readonly ProblemEntry[];
  readonly types: { readonly [path: string]: { readonly [output: string]: SocketTypeInfo } };
  readonly planSeconds: number | null;
  readonly readOnly: boolean;
}

/** One of two documents that are compared, and what it is called. */
export interface Side {
  readonly title: string;
  readonly workflow: Workflow;
}

export type Dialog = { kind: "open" } | { kind: "save" } | { kind: "keys" } | { kind: "revisions" } | { kind: "compare"; from: Side; to: Side } | { kind: "viewer"; results: readonly string[]; at: number; compare?: string } | { kind: "sweep"; node: string; input: string } | { kind: "mask"; node: string; input: string; name?: string };

export interface PaletteRequest {
  /** Where a chosen node goes, in the graph's coordinates. */
  readonly at?: { x: number; y: number };
  readonly from?: string;
  readonly to?: { node: string; input: string };
  readonly link?: LinkPlace;
  readonly actions: boolean;
}

export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly kind: "info" | "error";
  readonly action?: { readonly title: string; run(): void };
}

export interface App {
  readonly tabs: readonly Tab[];
  readonly active: string;
  readonly catalogue: Catalogue;
  readonly ready: boolean;
  readonly failure: string;
  readonly connection: Connection;
  readonly library: boolean;
  readonly panel: Panel;
  readonly dialog: Dialog | null;
  readonly palette: PaletteRequest | null;
  readonly toasts: readonly Toast[];
  readonly queue: Queue | null;
  readonly resultsVersion: number;
  /** The socket that was chosen by keyboard or tap, as the one end of a link. */
  readonly pending: { readonly side: "source" | "target"; readonly node: string; readonly socket: string } | null;
  readonly search: string | null;
  readonly needsToken: boolean;
  readonly runOnChange: boolean;
  readonly languageVersion: number;
  readonly announced: string;
}

export const app = createStore<App>({
  tabs: [], active: "", catalogue: new Map(), ready: false, failure: "", connection: "connecting", library: false, panel: null, dialog: null, palette: null,
  toasts: [], queue: null, resultsVersion: 0, pending: null, search: null, needsToken: false, runOnChange: false, languageVersion: 0, announced: "",
});

export const useApp = <T>(pick: (state: App) => T): T => useStore(app, pick);
export const useTab = <T>(pick: (tab: Tab) => T): T => useStore(app, (state) => pick(activeTab(state)));

const NO_SELECTION: Selection = { nodes: new Set(), links: new Set() };
export const ROOT: Place = { scope: [], prefix: "", title: "" };
const states = new Map<string, NodeStates>();

export function statesOf(tab: string): NodeStates {
  let found = states.get(tab);
  if (!found) states.set(tab, (found = new NodeStates()));
  return found;
}

let number = 0;
export function newTab(document: Workflow, more: Partial<Tab> = {}): Tab {
  number += 1;
  return {
    id: `tab-${Date.now().toString(36)}-${number}`, history: begin(document), places: [ROOT], selection: NO_SELECTION, mode: "graph", name: null, etag: null,
    saved: document, conflict: null, job: null, running: false, problems: [], types: {}, planSeconds: null, readOnly: false, ...more,
  };
}

const BLANK = newTab(EMPTY);

export function activeTab(state: App = app.get()): Tab {
  return state.tabs.find((tab) => tab.id === state.active) ?? state.tabs[0] ?? BLANK;
}

export function tabOf(id: string): Tab | undefined {
  return app.get().tabs.find((tab) => tab.id === id);
}

export function changeTab(id: string, change: Partial<Tab>): void {
  app.set((state) => ({ tabs: state.tabs.map((tab) => (tab.id === id ? { ...tab, ...change } : tab)) }));
}

export function openTab(tab: Tab): void {
  app.set((state) => ({ tabs: [...state.tabs, tab], active: tab.id }));
}

export function closeTab(id: string): void {
  const state = app.get();
  const at = state.tabs.findIndex((tab) => tab.id === id);
  const tabs = state.tabs.filter((tab) => tab.id !== id);
  if (!tabs.length) tabs.push(newTab(EMPTY));
  app.set({ tabs, active: state.active === id ? tabs[Math.min(at, tabs.length - 1)]!.id : state.active });
  states.delete(id);
}

export function isDirty(tab: Tab): boolean {
  return tab.history.document !== tab.saved && canonical(tab.history.document) !== canonical(tab.saved);
}

export function titleOf(tab: Tab, untitled: string): string {
  return tab.name ?? (tab.history.document.title || untitled);
}

export function placeOf(tab: Tab): Place {
  return tab.places[tab.places.length - 1] ?? ROOT;
}

const emptyWorkflow: Workflow = {};
export function shown(tab: Tab): Workflow {
  return workflowAt(tab.history.document, placeOf(tab).scope) ?? emptyWorkflow;
}

/** What the server said of types, for the nodes at a place. */
export function knownAt(tab: Tab, place = placeOf(tab)): KnownTypes {
  if (!place.prefix) return tab.types;
  const entries = Object.entries(tab.types).filter(([path]) => path.startsWith(place.prefix));
  return Object.fromEntries(entries.map(([path, types]) => [path.slice(place.prefix.length), types]));
}

// changing the document

export interface Dispatched {
  readonly select?: boolean;
  /** Changes with the same key, one after the other, are one step of undo. */
  readonly merge?: string;
  /** Whether a refusal is shown; yes unless told otherwise. */
  readonly quiet?: boolean;
}

export function dispatch(command: Command, { select = false, merge, quiet = false }: Dispatched = {}): Outcome {
  const tab = activeTab();
  const place = placeOf(tab);
  const outcome = perform(tab.history.document, command, { catalogue: app.get().catalogue, scope: place.scope, known: knownAt(tab, place) });
  if (!outcome.ok) {
    if (!quiet) say(tell(outcome.reason), "error");
    return outcome;
  }
  const history = advance(tab.history, outcome.document, merge === undefined ? undefined : `${place.prefix}${merge}`);
  if (history !== tab.history) changeTab(tab.id, { history, ...(select ? { selection: { nodes: new Set(outcome.created), links: new Set() } } : {}) });
  return outcome;
}

export function undoLast(): void {
  const tab = activeTab();
  changeTab(tab.id, withPlaces({ ...tab, history: undo(tab.history) }));
}

export function redoNext(): void {
  const tab = activeTab();
  changeTab(tab.id, withPlaces({ ...tab, history: redo(tab.history) }));
}

/** Leaves a subgraph whose definition is gone. */
function withPlaces(tab: Tab): Tab {
  const places = tab.places.filter((place) => workflowAt(tab.history.document, place.scope));
  return places.length === tab.places.length ? tab : { ...tab, places };
}

export function setDocument(id: string, document: Workflow, merge?: string): void {
  const tab = tabOf(id);
  if (tab) changeTab(id, { history: advance(tab.history, document, merge) });
}

export function select(nodes: Iterable<string>, links: Iterable<string> = []): void {
  changeTab(activeTab().id, { selection: { nodes: new Set(nodes), links: new Set(links) } });
}

export function enter(node: string): void {
  const tab = activeTab();
  const place = placeOf(tab);
  const entry = own(nodesOf(shown(tab)), node);
  const shape = entry && shapeOf(tab.history.document, place.scope, entry, app.get().catalogue);
  if (!entry || !shape?.definition) return;
  const prefix = prefixOf(place.prefix, node, entry);
  changeTab(tab.id, { places: [...tab.places, { scope: shape.definition, prefix, title: entry.title || shape.title }], selection: NO_SELECTION });
}

export function leaveTo(depth: number): void {
  const tab = activeTab();
  changeTab(tab.id, { places: tab.places.slice(0, depth + 1), selection: NO_SELECTION });
}

// what is said to the user

let toasts = 0;
export function say(text: string, kind: Toast["kind"] = "info", action?: Toast["action"]): void {
  toasts += 1;
  const id = toasts;
  app.set((state) => ({ toasts: [...state.toasts.filter((one) => one.text !== text).slice(-3), { id, text, kind, action }] }));
  setTimeout(() => dismiss(id), kind === "error" ? 9000 : 5000);
}

/** Said to a screen reader alone, of what others see. */
export function announce(text: string): void {
  app.set({ announced: text });
}

export function dismiss(id: number): void {
  app.set((state) => ({ toasts: state.toasts.filter((toast) => toast.id !== id) }));
}

export function complain(error: unknown): void {
  if (error instanceof JsonError) return say(tell(error.reason), "error");
  const { message = String(error), action = "" } = (error ?? {}) as { message?: string; action?: string };
  say(action ? `${message} ${action}` : message, "error");
}

export async function loadCatalogue(): Promise<void> {
  const { nodes } = await api.nodes();
  app.set({ catalogue: new Map(nodes.map((info: NodeInfo) => [info.type, inOwnWords(info)])) });
}

export function takeCheck(id: string, reply: CheckReply): void {
  changeTab(id, { problems: reply.problems, types: reply.types });
  statesOf(id).setProblems([...reply.problems, ...reply.warnings]);
}
