// Decides how all nodes are browsed: by category, with a search; a click or a drag puts one on the canvas.

import { useMemo, useState } from "react";
import { app, useApp } from "../state/app";
import { t } from "../text";
import { Icon } from "../view/Icon";
import { colourOf } from "../view/colours";
import { humanName } from "../view/format";
import { fitNode } from "../view/ranking";
import { addNode, NodeSummary } from "./Palette";

export const DRAGGED = "application/x-loom-node";

export function Library() {
  const catalogue = useApp((state) => state.catalogue);
  const [query, setQuery] = useState("");
  const [shown, setShown] = useState<string | null>(null);
  const groups = useMemo(() => {
    const found = new Map<string, { type: string; score: number }[]>();
    for (const info of catalogue.values()) {
      const score = info.type.startsWith("engine.") ? 0 : fitNode(query, info);
      if (score) found.set(info.category, [...(found.get(info.category) ?? []), { type: info.type, score }]);
    }
    return [...found].sort(([one], [other]) => one.localeCompare(other));
  }, [catalogue, query]);
  const info = shown === null ? undefined : catalogue.get(shown);
  return (
    <aside className="side library" aria-label={t("library")}>
      <header>
        <h2>{t("library")}</h2>
        <button type="button" className="plain" onClick={() => app.set({ library: false })} aria-label={t("close")}>
          <Icon name="close" />
        </button>
      </header>
      <input className="text" type="search" placeholder={t("searchNodes")} aria-label={t("searchNodes")} value={query} onChange={(event) => setQuery(event.target.value)} />
      <div className="scroll">
        {groups.map(([category, nodes]) => (
          <section key={category}>
            <h3>{humanName(category || t("other"))}</h3>
            {nodes
              .sort((one, other) => (query ? other.score - one.score : catalogue.get(one.type)!.title.localeCompare(catalogue.get(other.type)!.title)))
              .map(({ type }) => {
                const node = catalogue.get(type)!;
                return (
                  <button
                    key={type}
                    type="button"
                    className="library-node"
                    draggable
                    onDragStart={(event) => event.dataTransfer.setData(DRAGGED, type)}
                    onClick={() => addNode(type)}
                    onPointerEnter={() => setShown(type)}
                    onFocus={() => setShown(type)}
                    title={node.summary}
                  >
                    <span className="dot" style={{ background: colourOf(node.outputs[0]?.type ?? { kind: "any", text: "" }) }} />
                    {node.title}
                  </button>
                );
              })}
          </section>
        ))}
        {!groups.length && <p className="empty">{t("nothingFound")}</p>}
      </div>
      {info && (
        <div className="library-help">
          <NodeSummary info={info} />
        </div>
      )}
    </aside>
  );
}
