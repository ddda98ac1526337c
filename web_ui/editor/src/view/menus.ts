// Decides what the menus of a node, a link, a frame or note, and the canvas offer.

import { isSubgraph } from "../graph/catalogue";
import type { LinkPlace } from "../graph/commands";
import { nodesOf, own, type Point } from "../graph/document";
import { run } from "../run/runs";
import { actionOf, addNote, chosenNodes } from "../state/actions";
import { activeTab, app, dispatch, enter, placeOf, select, shown } from "../state/app";
import { t, type Key } from "../text";
import { canvas } from "./canvasHandle";
import { NODE_COLOURS } from "./colours";
import type { MenuEntry } from "./Menu";
import { FRAME, NOTE } from "./projection";

export function entry(id: string, more: Partial<MenuEntry> = {}): MenuEntry {
  const action = actionOf(id);
  return { title: t(action.title), keys: action.keys, run: action.run, ...more };
}

const colours = () => NODE_COLOURS.map((value) => ({ value, title: t(`colour_${value || "none"}` as Key) }));

export function NodeMenu(id: string): MenuEntry[] {
  const node = own(nodesOf(shown(activeTab())), id);
  const several = chosenNodes().length > 1;
  return [
    { title: t("actRunHere"), keys: "Ctrl+Shift+Enter", run: () => void run(chosenNodes().map((one) => placeOf(activeTab()).prefix + one)) },
    ...(isSubgraph(node) && !several ? [{ title: t("openSubgraph"), run: () => enter(id) }, entry("dissolve")] : []),
    entry("duplicate", { separated: true }),
    entry("copy"),
    entry("mute", { checked: node?.mode === "muted" }),
    entry("bypass", { checked: node?.mode === "bypassed" }),
    entry("fold"),
    entry("rename"),
    { title: t("colour"), colours: colours(), run: (value) => void dispatch({ type: "node/set", ids: chosenNodes(), colour: value ?? "" }) },
    entry("frame", { separated: true }),
    entry("subgraph"),
    ...(several ? [entry("tidy"), entry("align-left"), entry("align-top"), entry("distribute-across"), entry("distribute-down")] : [entry("extract")]),
    entry("select-up"),
    entry("select-down"),
    entry("remove", { separated: true }),
    entry("remove-heal"),
  ];
}

export function BoxMenu(id: string): MenuEntry[] {
  const set = (colour = "") => (id.startsWith(FRAME) ? dispatch({ type: "frame/set", id: id.slice(FRAME.length), change: { colour } }) : dispatch({ type: "note/set", id: id.slice(NOTE.length), change: { colour } }));
  return [{ title: t("colour"), colours: colours(), run: (value) => void set(value) }, entry("remove", { separated: true })];
}

export function LinkMenu(link: LinkPlace & { points: readonly Point[] }, at: Point): MenuEntry[] {
  return [
    { title: t("insertNode"), run: () => app.set({ palette: { at, link, actions: false } }) },
    { title: t("addReroute"), keys: "Alt+Click", run: () => void dispatch({ type: "link/points", target: `${link.node}.${link.input}`, points: [...link.points, at].sort((one, other) => one.x - other.x) }) },
    { title: t("followUp"), run: () => focusNode(link.source.slice(0, link.source.indexOf("."))) },
    { title: t("followDown"), run: () => focusNode(link.node) },
    { title: t("removeLink"), separated: true, run: () => void dispatch({ type: "link/remove", links: [link] }) },
  ];
}

function focusNode(id: string): void {
  select([id]);
  canvas()?.focus(id);
}

export function PaneMenu(at: Point): MenuEntry[] {
  return [
    { title: t("addNode"), keys: "Ctrl+K", run: () => app.set({ palette: { at, actions: false } }) },
    { title: t("actNote"), keys: "N", run: () => addNote(at) },
    entry("frame"),
    entry("paste", { separated: true }),
    entry("select-all"),
    entry("tidy"),
    entry("fit-all", { separated: true }),
    entry("zoom-1"),
  ];
}
