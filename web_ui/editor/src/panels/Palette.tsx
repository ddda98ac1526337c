// Decides what Ctrl+K, a double click and a link let go on the canvas offer: nodes (only those that fit the link), and actions.

import { useEffect, useMemo, useRef, useState } from "react";
import type { NodeInfo } from "../api/types";
import { inputOf, shapeOf, type Shape } from "../graph/catalogue";
import { nodesOf, own } from "../graph/document";
import { elementOf, fittingInput, fittingOutput, inferTypes, typeOf } from "../graph/infer";
import { refusal } from "../graph/sockets";
import { ACTIONS } from "../state/actions";
import { activeTab, app, dispatch, placeOf, shown, useApp, type PaletteRequest } from "../state/app";
import { keyNames, t } from "../text";
import { canvas } from "../view/canvasHandle";
import { colourOf } from "../view/colours";
import { humanName } from "../view/format";
import { graphOf } from "../view/linking";
import { fit, fitNode, noteUse, uses } from "../view/ranking";

interface Entry {
  readonly key: string;
  readonly title: string;
  readonly note: string;
  readonly keys?: string;
  readonly info?: NodeInfo;
  readonly score: number;
  readonly run: () => void;
}

const MOST = 60;

export function Palette() {
  const request = useApp((state) => state.palette);
  return request ? <Open request={request} key={JSON.stringify([request.from, request.to, request.at])} /> : null;
}

function Open({ request }: { readonly request: PaletteRequest }) {
  const catalogue = useApp((state) => state.catalogue);
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const back = useRef(document.activeElement);
  const nodes = useMemo(() => candidates(request), [request, catalogue]);
  const entries = useMemo(() => found(query, nodes, request), [query, nodes, request]);
  const chosen = Math.min(at, entries.length - 1);
  useEffect(() => {
    void list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [chosen, entries]);
  const close = () => {
    app.set({ palette: null });
    if (back.current instanceof HTMLElement) back.current.focus({ preventScroll: true });
  };
  const take = (entry: Entry | undefined) => {
    if (!entry) return;
    close();
    entry.run();
  };
  const shownInfo = entries[chosen]?.info;
  return (
    <div className="veil light" onPointerDown={(event) => event.target === event.currentTarget && close()}>
      <div className="palette popup" role="dialog" aria-modal="true" aria-label={t(request.from || request.to ? "addFitting" : "actPalette")}>
        <input
          autoFocus
          role="combobox"
          aria-expanded="true"
          aria-controls="palette-list"
          aria-activedescendant={entries.length ? `palette-${chosen}` : undefined}
          aria-label={t("searchNodes")}
          placeholder={t(request.from || request.to ? "addFitting" : request.actions ? "searchEverything" : "searchNodes")}
          value={query}
          onChange={(event) => {
            setQuery(event.target.value);
            setAt(0);
          }}
          onKeyDown={(event) => {
            event.stopPropagation();
            if (event.key === "ArrowDown") setAt(Math.min(entries.length - 1, chosen + 1));
            else if (event.key === "ArrowUp") setAt(Math.max(0, chosen - 1));
            else if (event.key === "Enter") take(entries[chosen]);
            else if (event.key === "Escape") close();
            else if (event.key === "Tab") void 0;
            else return;
            event.preventDefault();
          }}
        />
        <div className="palette-body">
          <div ref={list} role="listbox" id="palette-list" aria-label={t("found")} className="palette-list">
            {entries.map((entry, index) => (
              <div key={entry.key} id={`palette-${index}`} role="option" aria-selected={index === chosen} className="option" onPointerMove={() => index !== chosen && setAt(index)} onClick={() => take(entry)}>
                {entry.info && <span className="dot" style={{ background: colourOf(entry.info.outputs[0]?.type ?? { kind: "any", text: "" }) }} />}
                <span className="option-title">{entry.title}</span>
                <span className="option-note">{entry.note}</span>
                {entry.keys && <kbd>{keyNames(entry.keys)}</kbd>}
              </div>
            ))}
            {!entries.length && <p className="empty">{t("nothingFound")}</p>}
          </div>
          {shownInfo && (
            <aside className="palette-preview">
              <NodeSummary info={shownInfo} />
            </aside>
          )}
        </div>
      </div>
    </div>
  );
}

export function NodeSummary({ info }: { readonly info: NodeInfo }) {
  return (
    <>
      <b className="summary-title">{info.title}</b>
      <p>{info.summary}</p>
      {info.inputs.length > 0 && (
        <ul className="sockets-list">
          {info.inputs.map((input) => (
            <li key={input.name}>
              <span className="dot" style={{ background: colourOf(input.type) }} /> {humanName(input.name)} <small>{input.type.text}</small>
            </li>
          ))}
        </ul>
      )}
      {info.outputs.length > 0 && (
        <ul className="sockets-list">
          {info.outputs.map((output) => (
            <li key={output.name}>
              → <span className="dot" style={{ background: colourOf(output.type) }} /> {humanName(output.name)} <small>{output.type.text}</small>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

interface Candidate {
  readonly info: NodeInfo;
  readonly bonus: number;
}

/** Node types that may be added here: for a link, those that fit it, the closer the better. Definitions of this workflow count too. */
function candidates({ from, to, link }: PaletteRequest): Candidate[] {
  const graph = graphOf();
  const all = [...app.get().catalogue.values(), ...definitions()].filter((info) => !info.type.startsWith("engine."));
  if (!from && !to && !link) return all.map((info) => ({ info, bonus: 0 }));
  const types = inferTypes(graph);
  const got = from ?? link?.source;
  const gotType = got === undefined ? undefined : typeOf(types, got);
  const target = to ?? link;
  const node = target && own(nodesOf(graph.workflow), target.node);
  const want = target && node && inputOf(shapeOf(graph.document, graph.scope, node, graph.catalogue), target.input)?.type;
  const usedCounts = uses();
  return all.flatMap((info): Candidate[] => {
    const shape = info as unknown as Shape;
    if (gotType && !fittingInput(shape, gotType)) return [];
    if (want && !fittingOutput(shape, want)) return [];
    const exact = gotType ? info.inputs.filter((input) => input.type.kind === "named" && input.type.name === gotType.name && refusal(gotType, elementOf(gotType, input.type), new Map()) === null).length : 0;
    const gives = want && info.outputs.some((output) => output.type.kind === want.kind && output.type.name === want.name) ? 1 : 0;
    return [{ info, bonus: 10 * (exact + gives) + Math.min(9, usedCounts[info.type] ?? 0) }];
  });
}

export function definitions(): NodeInfo[] {
  const tab = activeTab();
  const found: NodeInfo[] = [];
  const scope = placeOf(tab).scope;
  for (const name of Object.keys(shown(tab).definitions ?? {})) {
    const shape = shapeOf(tab.history.document, scope, { type: `workflow:${name}` }, app.get().catalogue);
    found.push({
      type: `workflow:${name}`, version: 1, title: shape.title, category: t("subgraph"), summary: shape.summary, description: "", example: "", pack: "", lane: "cpu",
      sink: false, volatile: false, conversion: false, inputs: [...shape.inputs], outputs: [...shape.outputs],
    });
  }
  return found;
}

function found(query: string, nodes: readonly Candidate[], request: PaletteRequest): Entry[] {
  const usedCounts = uses();
  const entries: Entry[] = [];
  for (const { info, bonus } of nodes) {
    const score = fitNode(query, info);
    if (score) entries.push({ key: info.type, title: info.title, note: info.category, info, score: score + bonus + Math.min(9, usedCounts[info.type] ?? 0), run: () => addNode(info.type, request) });
  }
  if (request.actions) {
    for (const action of ACTIONS) {
      const score = query ? fit(query, t(action.title)) * 2 : 0;
      if (score) entries.push({ key: action.id, title: t(action.title), note: t("action"), keys: action.keys, score, run: action.run });
    }
  }
  return entries.sort((one, other) => other.score - one.score || one.title.localeCompare(other.title)).slice(0, MOST);
}

export function addNode(nodeType: string, { at, from, to, link }: Omit<PaletteRequest, "actions"> = {}): void {
  const place = at ?? free(canvas()?.centre() ?? { x: 0, y: 0 });
  noteUse(nodeType);
  if (link) dispatch({ type: "node/insert-new", link, nodeType, at: place }, { select: true });
  else dispatch({ type: "node/add", nodeType, at: to ? { x: place.x - 264, y: place.y - 40 } : from ? { x: place.x, y: place.y - 40 } : place, from, to }, { select: true });
}

const [ROOM_X, ROOM_Y, STEP_X, STEP_Y] = [264, 240, 300, 60];

/** The free place nearest to the given one: nothing is put on top of something else. */
function free(at: { x: number; y: number }): { x: number; y: number } {
  const boxes = canvas()?.boxes() ?? [];
  const [x, y] = [Math.round(at.x / 20) * 20 - ROOM_X / 2, Math.round(at.y / 20) * 20];
  const tries = Array.from({ length: 41 * 41 }, (_, index) => ({ dx: (index % 41) - 20, dy: Math.floor(index / 41) - 20 }));
  tries.sort((one, other) => Math.hypot(one.dx * STEP_X, one.dy * STEP_Y) - Math.hypot(other.dx * STEP_X, other.dy * STEP_Y));
  for (const { dx, dy } of tries) {
    const place = { x: x + dx * STEP_X, y: y + dy * STEP_Y };
    const taken = boxes.some((box) => place.x < box.x + box.width + 20 && place.x + ROOM_X + 20 > box.x && place.y < box.y + box.height + 20 && place.y + ROOM_Y > box.y);
    if (!taken) return place;
  }
  return { x, y };
}
