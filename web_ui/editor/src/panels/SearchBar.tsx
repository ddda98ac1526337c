// Decides how a node is found in this graph: by title, name, type, value or state, one after the other.

import { useMemo, useState } from "react";
import { nodesOf } from "../graph/document";
import { shapesOf } from "../graph/infer";
import { activeTab, app, placeOf, select, shown, statesOf, useApp, useTab } from "../state/app";
import { t } from "../text";
import { canvas } from "../view/canvasHandle";
import { Icon } from "../view/Icon";
import { graphOf } from "../view/linking";

export function SearchBar() {
  const search = useApp((state) => state.search);
  return search === null ? null : <Open />;
}

function Open() {
  const query = useApp((state) => state.search) ?? "";
  const workflow = useTab(shown);
  const [at, setAt] = useState(0);
  const found = useMemo(() => matching(query), [query, workflow]);
  const go = (next: number) => {
    if (!found.length) return;
    const index = (next + found.length) % found.length;
    setAt(index);
    select([found[index]!]);
    const node = found[index]!;
    const handle = canvas();
    handle?.fit([node]);
  };
  return (
    <div className="search popup" role="search">
      <Icon name="search" />
      <input
        autoFocus
        aria-label={t("actSearch")}
        placeholder={t("searchGraph")}
        value={query}
        onChange={(event) => {
          app.set({ search: event.target.value });
          setAt(-1);
        }}
        onKeyDown={(event) => {
          event.stopPropagation();
          if (event.key === "Enter") go(at + (event.shiftKey ? -1 : 1));
          if (event.key === "Escape") app.set({ search: null });
        }}
      />
      <span className="faint" aria-live="polite">{query ? `${found.length ? Math.max(0, at) + 1 : 0}/${found.length}` : ""}</span>
      <button type="button" className="plain" onClick={() => go(at - 1)} aria-label={t("previous")}><Icon name="up" /></button>
      <button type="button" className="plain" onClick={() => go(at + 1)} aria-label={t("next")}><Icon name="down" /></button>
      <button type="button" className="plain" onClick={() => app.set({ search: null })} aria-label={t("close")}><Icon name="close" /></button>
    </div>
  );
}

/** `is:failed`, `is:muted`, `is:cached` and the like look at states; everything else at words. */
function matching(query: string): string[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  const tab = activeTab();
  const states = statesOf(tab.id);
  const shapes = shapesOf(graphOf(tab));
  const { prefix } = placeOf(tab);
  return Object.entries(nodesOf(shown(tab)))
    .filter(([id, entry]) => {
      const state = [entry.mode ?? "on", states.get(prefix + id).status ?? "", states.plan(prefix + id)?.status ?? "", states.problemsOf(prefix + id).length ? "wrong" : "", shapes.get(id)?.known ? "" : "unknown"];
      const texts = Object.values(entry.values ?? {}).filter((value) => typeof value === "string");
      const hay = [id, entry.type, entry.title ?? "", shapes.get(id)?.title ?? "", ...texts].join(" ").toLowerCase();
      return words.every((word) => (word.startsWith("is:") ? state.includes(word.slice(3)) : hay.includes(word)));
    })
    .map(([id]) => id);
}
