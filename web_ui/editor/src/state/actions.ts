// Decides what can be done by name, by key and by menu: one table, from which the palette, the menus and the sheet of keys are made.

import { align, distribute, layOut, type Alignment } from "../graph/arrange";
import { eachLink, framesOf, nodesOf, split, viewOf, type Mode, type Point } from "../graph/document";
import { copy, fromText, toText } from "../graph/fragment";
import { closure } from "../graph/infer";
import { isSubgraph } from "../graph/catalogue";
import { cancel, run } from "../run/runs";
import { t, type Key } from "../text";
import { canvas } from "../view/canvasHandle";
import { startLinking } from "../view/linking";
import { FRAME, linkOf, NOTE } from "../view/projection";
import { activeTab, app, changeTab, closeTab, complain, dispatch, newTab, openTab, redoNext, say, select, shown, undoLast, placeOf, leaveTo, type Panel } from "./app";
import { compareWithFile, download, downloadPicture, FILES, openFile, pickFile, save } from "./files";
import { EMPTY } from "../graph/document";
import { toggleTheme } from "./theme";

export interface Action {
  readonly id: string;
  readonly title: Key;
  readonly keys?: string;
  readonly more?: readonly string[];
  readonly group: "run" | "edit" | "view" | "file";
  /** Whether it also counts while a text is edited. */
  readonly always?: boolean;
  /** Its key is left to the browser, which tells of it by an event of its own. */
  readonly native?: boolean;
  readonly run: () => void;
}

export const chosenNodes = (): string[] => [...activeTab().selection.nodes].filter((id) => !id.startsWith(FRAME) && !id.startsWith(NOTE));
const chosenBoxes = (prefix: string) => [...activeTab().selection.nodes].filter((id) => id.startsWith(prefix)).map((id) => id.slice(prefix.length));

export function removeChosen(heal = false): void {
  const links = [...activeTab().selection.links].map(linkOf);
  const [nodes, frames, notes] = [chosenNodes(), chosenBoxes(FRAME), chosenBoxes(NOTE)];
  if (!links.length && !nodes.length && !frames.length && !notes.length) return;
  const outcome = dispatch({ type: "selection/remove", nodes, links, frames, notes, heal });
  if (outcome.ok) {
    select([]);
    document.querySelector<HTMLElement>(".react-flow")?.focus({ preventScroll: true });
  }
}

export function setMode(mode: Mode): void {
  const ids = chosenNodes();
  const nodes = nodesOf(shown(activeTab()));
  const all = ids.every((id) => nodes[id]?.mode === mode);
  if (ids.length) dispatch({ type: "node/set", ids, mode: all ? "on" : mode });
}

function foldChosen(): void {
  const ids = chosenNodes();
  const workflow = shown(activeTab());
  if (ids.length) dispatch({ type: "node/set", ids, collapsed: !ids.every((id) => viewOf(workflow, id)?.collapsed) });
}

let copies = 0;
async function copyChosen(cut = false): Promise<void> {
  const ids = chosenNodes();
  if (!ids.length) return;
  copies = 0;
  const text = toText(copy(activeTab().history.document, placeOf(activeTab()).scope, new Set(ids)));
  kept = text;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // without the system's clipboard it is still kept for this window
  }
  if (cut) removeChosen();
}

let kept = "";

/** Pastes nodes; false when the text holds none. `keepLinks` keeps links to nodes that were not copied. */
export function pasteText(text: string, keepLinks: boolean): boolean {
  const fragment = fromText(text);
  if (!fragment || !Object.keys(nodesOf(fragment)).length) return false;
  copies += 1;
  const centre = canvas()?.centre() ?? { x: 0, y: 0 };
  dispatch({ type: "paste", fragment, at: { x: Math.round(centre.x - 130 + 30 * copies), y: Math.round(centre.y - 60 + 30 * copies) }, keepLinks }, { select: true });
  return true;
}

async function paste(keepLinks: boolean): Promise<void> {
  let text = kept;
  try {
    text = (await navigator.clipboard.readText()) || kept;
  } catch {
    // not allowed: what this window copied
  }
  pasteText(text, keepLinks);
}

export function duplicateChosen(keepLinks = true): void {
  const ids = chosenNodes();
  if (!ids.length) return;
  const tab = activeTab();
  const workflow = shown(tab);
  const fragment = copy(tab.history.document, placeOf(tab).scope, new Set(ids));
  const views = ids.map((id) => viewOf(workflow, id) ?? { x: 0, y: 0 });
  const at: Point = { x: Math.min(...views.map((one) => one.x)) + 40, y: Math.min(...views.map((one) => one.y)) + 40 };
  dispatch({ type: "paste", fragment, at, keepLinks }, { select: true });
}

function alignChosen(how: Alignment): void {
  const boxes = canvas()?.boxes(chosenNodes()) ?? [];
  if (boxes.length > 1) dispatch({ type: "move", nodes: align(boxes, how) });
}

function distributeChosen(way: "across" | "down"): void {
  const boxes = canvas()?.boxes(chosenNodes()) ?? [];
  if (boxes.length > 2) dispatch({ type: "move", nodes: distribute(boxes, way) });
}

async function tidy(): Promise<void> {
  const chosen = chosenNodes();
  const boxes = canvas()?.boxes(chosen.length > 1 ? chosen : undefined) ?? [];
  const links = [...eachLink(shown(activeTab()))].map(({ source, node }) => ({ from: split(source)[0], to: node }));
  try {
    dispatch({ type: "move", nodes: await layOut(boxes, links) });
    canvas()?.fit(chosen.length > 1 ? chosen : undefined);
  } catch (error) {
    complain(error);
  }
}

const PAD = 24;
export function frameChosen(): void {
  const boxes = canvas()?.boxes(chosenNodes()) ?? [];
  const at = canvas()?.centre() ?? { x: 0, y: 0 };
  const [left, top] = boxes.length ? [Math.min(...boxes.map((box) => box.x)), Math.min(...boxes.map((box) => box.y))] : [at.x - 200, at.y - 100];
  const right = boxes.length ? Math.max(...boxes.map((box) => box.x + box.width)) : left + 400;
  const bottom = boxes.length ? Math.max(...boxes.map((box) => box.y + box.height)) : top + 240;
  dispatch({ type: "frame/add", frame: { title: "", colour: "", x: left - PAD, y: top - PAD - 28, width: right - left + 2 * PAD, height: bottom - top + 2 * PAD + 28 } });
}

export function addNote(at = canvas()?.centre() ?? { x: 0, y: 0 }): void {
  dispatch({ type: "note/add", note: { text: "", colour: "", x: at.x, y: at.y, width: 260, height: 140 } });
}

export function makeSubgraph(): void {
  const ids = chosenNodes();
  if (!ids.length) return say(t("chooseNodes"), "error");
  dispatch({ type: "subgraph/make", ids, title: freshTitle() }, { select: true });
}

function freshTitle(): string {
  const { definitions = {} } = shown(activeTab());
  const base = t("subgraph");
  for (let number = 1; ; number += 1) {
    const title = number === 1 ? base : `${base} ${number}`;
    if (!Object.values(definitions).some((one) => one.title === title)) return title;
  }
}

export function dissolveChosen(): void {
  const [id] = chosenNodes().filter((one) => isSubgraph(nodesOf(shown(activeTab()))[one]));
  if (id) dispatch({ type: "subgraph/dissolve", id }, { select: true });
}

export function selectFlow(way: "up" | "down"): void {
  const ids = chosenNodes();
  if (ids.length) select(closure(shown(activeTab()), ids, way));
}

const panel = (which: Panel) => () => app.set((state) => ({ panel: state.panel === which ? null : which }));
const mode = (which: "graph" | "form" | "list") => () => changeTab(activeTab().id, { mode: which });

/** Walks to the next node in a direction: the nearest whose centre lies there. */
function walk(dx: number, dy: number): void {
  const boxes = canvas()?.boxes() ?? [];
  const current = boxes.find((box) => activeTab().selection.nodes.has(box.id));
  const centre = (box: (typeof boxes)[number]) => ({ x: box.x + box.width / 2, y: box.y + box.height / 2 });
  if (!current) {
    const [first] = [...boxes].sort((one, other) => one.x + one.y - other.x - other.y);
    if (first) {
      select([first.id]);
      canvas()?.focus(first.id);
    }
    return;
  }
  const from = centre(current);
  const ahead = boxes
    .filter((box) => box.id !== current.id)
    .map((box) => ({ id: box.id, along: (centre(box).x - from.x) * dx + (centre(box).y - from.y) * dy, aside: Math.abs((centre(box).x - from.x) * dy + (centre(box).y - from.y) * dx) }))
    .filter((one) => one.along > 1)
    .sort((one, other) => one.along + 2 * one.aside - other.along - 2 * other.aside);
  if (ahead[0]) {
    select([ahead[0].id]);
    canvas()?.focus(ahead[0].id);
  }
}

export const ACTIONS: readonly Action[] = [
  { id: "run", title: "actRun", keys: "Ctrl+Enter", group: "run", always: true, run: () => void run() },
  { id: "run-here", title: "actRunHere", keys: "Ctrl+Shift+Enter", group: "run", always: true, run: () => void runHere() },
  { id: "cancel", title: "actCancel", keys: "Ctrl+Alt+Enter", group: "run", always: true, run: () => void cancel() },
  { id: "run-on-change", title: "actRunOnChange", group: "run", run: () => app.set((state) => ({ runOnChange: !state.runOnChange })) },
  { id: "palette", title: "actPalette", keys: "Ctrl+K", group: "edit", always: true, run: () => app.set({ palette: { actions: true } }) },
  { id: "undo", title: "actUndo", keys: "Ctrl+Z", group: "edit", run: undoLast },
  { id: "redo", title: "actRedo", keys: "Ctrl+Shift+Z", more: ["Ctrl+Y"], group: "edit", run: redoNext },
  { id: "copy", title: "actCopy", keys: "Ctrl+C", group: "edit", run: () => void copyChosen() },
  { id: "cut", title: "actCut", keys: "Ctrl+X", group: "edit", run: () => void copyChosen(true) },
  { id: "paste", title: "actPaste", keys: "Ctrl+V", group: "edit", native: true, run: () => void paste(false) },
  { id: "paste-linked", title: "actPasteLinked", keys: "Ctrl+Shift+V", group: "edit", run: () => void paste(true) },
  { id: "duplicate", title: "actDuplicate", keys: "Ctrl+D", group: "edit", run: duplicateChosen },
  { id: "remove", title: "actRemove", keys: "Delete", more: ["Backspace"], group: "edit", run: () => removeChosen(false) },
  { id: "remove-heal", title: "actRemoveHeal", keys: "Ctrl+Delete", more: ["Ctrl+Backspace"], group: "edit", run: () => removeChosen(true) },
  { id: "extract", title: "actExtract", keys: "Alt+X", group: "edit", run: () => chosenNodes().forEach((id) => dispatch({ type: "node/extract", id })) },
  { id: "select-all", title: "actSelectAll", keys: "Ctrl+A", group: "edit", run: () => select([...Object.keys(nodesOf(shown(activeTab()))), ...framesOf(shown(activeTab())).map((one) => FRAME + one.id)]) },
  { id: "select-up", title: "actSelectUp", keys: "Alt+U", group: "edit", run: () => selectFlow("up") },
  { id: "select-down", title: "actSelectDown", keys: "Alt+D", group: "edit", run: () => selectFlow("down") },
  { id: "mute", title: "actMute", keys: "M", group: "edit", run: () => setMode("muted") },
  { id: "bypass", title: "actBypass", keys: "B", group: "edit", run: () => setMode("bypassed") },
  { id: "fold", title: "actFold", keys: "C", group: "edit", run: foldChosen },
  { id: "rename", title: "actRename", keys: "F2", group: "edit", run: () => app.set({ panel: "inspect" }) },
  { id: "frame", title: "actFrame", keys: "Ctrl+G", group: "edit", run: frameChosen },
  { id: "note", title: "actNote", keys: "N", group: "edit", run: () => addNote() },
  { id: "subgraph", title: "actSubgraph", keys: "Ctrl+Shift+G", group: "edit", run: makeSubgraph },
  { id: "dissolve", title: "actDissolve", keys: "Ctrl+Alt+G", group: "edit", run: dissolveChosen },
  { id: "leave", title: "actLeave", keys: "Alt+Up", group: "edit", run: () => leaveTo(Math.max(0, activeTab().places.length - 2)) },
  { id: "tidy", title: "actTidy", keys: "L", group: "edit", run: () => void tidy() },
  { id: "align-left", title: "actAlignLeft", group: "edit", run: () => alignChosen("left") },
  { id: "align-centre", title: "actAlignCentre", group: "edit", run: () => alignChosen("centre") },
  { id: "align-right", title: "actAlignRight", group: "edit", run: () => alignChosen("right") },
  { id: "align-top", title: "actAlignTop", group: "edit", run: () => alignChosen("top") },
  { id: "align-middle", title: "actAlignMiddle", group: "edit", run: () => alignChosen("middle") },
  { id: "align-bottom", title: "actAlignBottom", group: "edit", run: () => alignChosen("bottom") },
  { id: "distribute-across", title: "actDistributeAcross", group: "edit", run: () => distributeChosen("across") },
  { id: "distribute-down", title: "actDistributeDown", group: "edit", run: () => distributeChosen("down") },
  { id: "search", title: "actSearch", keys: "Ctrl+F", group: "view", always: true, run: () => app.set({ search: "" }) },
  { id: "fit", title: "actFit", keys: "F", group: "view", run: () => canvas()?.fit(chosenNodes().length ? chosenNodes() : undefined) },
  { id: "fit-all", title: "actFitAll", keys: "Shift+F", group: "view", run: () => canvas()?.fit() },
  { id: "zoom-1", title: "actZoom1", keys: "1", group: "view", run: () => canvas()?.zoom() },
  { id: "zoom-in", title: "actZoomIn", keys: "+", group: "view", run: () => canvas()?.zoom(1) },
  { id: "zoom-out", title: "actZoomOut", keys: "-", group: "view", run: () => canvas()?.zoom(-1) },
  { id: "walk-left", title: "actWalkLeft", keys: "Alt+Left", group: "view", run: () => walk(-1, 0) },
  { id: "walk-right", title: "actWalkRight", keys: "Alt+Right", group: "view", run: () => walk(1, 0) },
  { id: "walk-down", title: "actWalkDown", keys: "Alt+Down", group: "view", run: () => walk(0, 1) },
  { id: "graph", title: "actGraph", keys: "Ctrl+1", group: "view", always: true, run: mode("graph") },
  { id: "form", title: "actForm", keys: "Ctrl+2", group: "view", always: true, run: mode("form") },
  { id: "list", title: "actList", keys: "Ctrl+3", group: "view", always: true, run: mode("list") },
  { id: "library", title: "actLibrary", keys: "Shift+A", group: "view", run: () => app.set((state) => ({ library: !state.library })) },
  { id: "inspect", title: "actInspect", keys: "I", group: "view", run: panel("inspect") },
  { id: "ports", title: "actPorts", keys: "P", group: "view", run: panel("ports") },
  { id: "queue", title: "actQueue", keys: "Q", group: "view", run: panel("queue") },
  { id: "gallery", title: "actGallery", keys: "G", group: "view", run: panel("gallery") },
  { id: "theme", title: "actTheme", group: "view", run: toggleTheme },
  { id: "keys", title: "actKeys", keys: "?", group: "view", run: () => app.set({ dialog: { kind: "keys" } }) },
  { id: "new", title: "actNew", keys: "Alt+N", group: "file", run: () => openTab(newTab(EMPTY)) },
  { id: "open", title: "actOpen", keys: "Ctrl+O", group: "file", always: true, run: () => app.set({ dialog: { kind: "open" } }) },
  { id: "open-file", title: "actOpenFile", group: "file", run: () => void pickFile(FILES).then((file) => file && openFile(file)) },
  { id: "save", title: "actSave", keys: "Ctrl+S", group: "file", always: true, run: () => void save() },
  { id: "save-as", title: "actSaveAs", keys: "Ctrl+Shift+S", group: "file", always: true, run: () => app.set({ dialog: { kind: "save" } }) },
  { id: "download", title: "actDownload", group: "file", run: download },
  { id: "download-picture", title: "actSavePicture", group: "file", run: () => void downloadPicture() },
  { id: "revisions", title: "actRevisions", group: "file", run: () => app.set({ dialog: { kind: "revisions" } }) },
  { id: "compare-file", title: "actCompareFile", group: "file", run: () => void compareWithFile() },
  { id: "copy-link", title: "actCopyLink", group: "file", run: () => void copyLink() },
  { id: "close", title: "actClose", keys: "Alt+W", group: "file", run: () => closeTab(activeTab().id) },
];

async function runHere(): Promise<void> {
  const { prefix } = placeOf(activeTab());
  const targets = chosenNodes().map((id) => prefix + id);
  if (!targets.length) return say(t("chooseNodes"), "error");
  await run(targets);
}

async function copyLink(): Promise<void> {
  const { name } = activeTab();
  if (name === null) return say(t("saveFirst"), "error");
  const link = new URL(document.baseURI);
  link.search = `?workflow=${encodeURIComponent(name)}`;
  try {
    await navigator.clipboard.writeText(link.href);
    say(t("linkCopied"));
  } catch {
    say(link.href);
  }
}

export const actionOf = (id: string): Action => ACTIONS.find((action) => action.id === id)!;

// keys

function keyOf(event: KeyboardEvent): string {
  const name: Record<string, string> = { ArrowLeft: "Left", ArrowRight: "Right", ArrowUp: "Up", ArrowDown: "Down", " ": "Space" };
  const key = name[event.key] ?? (event.key.length === 1 ? event.key.toUpperCase() : event.key);
  const shifted = event.shiftKey && (event.key.length > 1 || /[a-z]/i.test(event.key));
  return [event.ctrlKey || event.metaKey ? "Ctrl" : "", event.altKey ? "Alt" : "", shifted ? "Shift" : "", key].filter(Boolean).join("+");
}

const byKey = new Map(ACTIONS.flatMap((action) => [action.keys, ...(action.more ?? [])].filter((keys) => keys !== undefined).map((keys) => [keys, action] as const)));

/** Carries out what a key means, unless a text is edited or a dialog is open. */
export function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return;
  if (event.key === "Escape" && app.get().pending) {
    app.set({ pending: null });
    startLinking(null);
    return;
  }
  const action = byKey.get(keyOf(event));
  if (!action || action.native) return;
  const target = event.target as HTMLElement;
  const typing = target.closest("input:not([type=checkbox]), textarea, select, [contenteditable=true]") !== null;
  const { dialog, palette } = app.get();
  if ((dialog || palette) && action.id !== "run") return;
  const settled = target.dataset.settled !== undefined && (action.id === "undo" || action.id === "redo");
  if (typing && !action.always && !settled) return;
  if (!typing && action.id === "copy" && String(getSelection() ?? "")) return;
  if (activeTab().mode !== "graph" && action.group === "edit" && !action.always && action.id !== "undo" && action.id !== "redo") return;
  event.preventDefault();
  action.run();
}
