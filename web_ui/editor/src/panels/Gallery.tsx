// Decides how what was made is looked through: newest first, with a search, favourites, several at once, and a bin.

import { useEffect, useRef, useState } from "react";
import { api, picture } from "../api/client";
import type { Result } from "../api/types";
import { app, complain, say, useApp } from "../state/app";
import { openResult } from "../state/files";
import { t } from "../text";
import { Icon } from "../view/Icon";
import { PanelHead } from "./PanelHead";

const PAGE = 60;
const SEARCH_AFTER_MS = 200;

export function Gallery() {
  const version = useApp((state) => state.resultsVersion);
  const [search, setSearch] = useState("");
  const [which, setWhich] = useState<"all" | "favourite" | "trashed">("all");
  const [results, setResults] = useState<readonly Result[]>([]);
  const [total, setTotal] = useState(0);
  const [limit, setLimit] = useState(PAGE);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const first = useRef(true);
  useEffect(() => {
    let gone = false;
    const timer = setTimeout(() => {
      first.current = false;
      api.results({ search, favourite: which === "favourite" || undefined, trashed: which === "trashed" || undefined, limit }).then((page) => {
        if (gone) return;
        setResults(page.results);
        setTotal(page.total);
      }, complain);
    }, first.current ? 0 : SEARCH_AFTER_MS);
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, [search, which, version, limit]);
  const ids = results.map((result) => result.id);
  const toggle = (id: string) => setChosen((before) => new Set(before.has(id) ? [...before].filter((one) => one !== id) : [...before, id]));
  const trash = (list: readonly string[]) =>
    void Promise.all(list.map((id) => api.trash(id))).then(() => {
      setChosen(new Set());
      say(t("movedToBin", { count: list.length }), "info", { title: t("undoIt"), run: () => void Promise.all(list.map((id) => api.restore(id))).catch(complain) });
    }, complain);
  const empty = () => {
    if (!confirm(t("reallyEmptyBin", { count: total }))) return;
    api.emptyTrash().then(({ deleted }) => {
      setChosen(new Set());
      say(t("binEmptied", { count: deleted }), "info");
    }, complain);
  };
  return (
    <aside className="side wide" aria-label={t("gallery")}>
      <PanelHead title={t("gallery")} />
      <div className="pad tools">
        <input className="text" type="search" placeholder={t("searchResults")} aria-label={t("searchResults")} value={search} onChange={(event) => setSearch(event.target.value)} />
        <select aria-label={t("which")} value={which} onChange={(event) => setWhich(event.target.value as typeof which)}>
          <option value="all">{t("all")}</option>
          <option value="favourite">{t("favourites")}</option>
          <option value="trashed">{t("bin")}</option>
        </select>
        {which === "trashed" && <button type="button" disabled={!results.length || search !== ""} onClick={empty}><Icon name="trash" /> {t("emptyBin")}</button>}
      </div>
      {chosen.size > 0 && (
        <div className="pad tools">
          <span>{t("chosenCount", { count: chosen.size })}</span>
          {chosen.size === 2 && <button type="button" onClick={() => app.set({ dialog: { kind: "viewer", results: [...chosen], at: 0, compare: [...chosen][1] } })}>{t("compare")}</button>}
          <button type="button" onClick={() => trash([...chosen])}>{t("toBin")}</button>
          <button type="button" onClick={() => setChosen(new Set())}>{t("clear")}</button>
        </div>
      )}
      <div className="scroll">
        <ul className="pictures">
          {results.map((result, index) => (
            <li key={result.id} data-chosen={chosen.has(result.id) || undefined}>
              <button type="button" className="tile" onClick={(event) => (event.shiftKey || event.ctrlKey || event.metaKey || chosen.size ? toggle(result.id) : app.set({ dialog: { kind: "viewer", results: ids, at: index } }))} aria-label={result.prompt || result.title || result.file}>
                <img src={picture.thumbnail(result.id)} alt={result.prompt || result.title || result.file} loading="lazy" />
              </button>
              <div className="tile-tools">
                <button type="button" className="plain" aria-pressed={result.favourite} onClick={() => void api.favour(result.id, !result.favourite).then(() => setResults((all) => all.map((one) => (one.id === result.id ? { ...one, favourite: !one.favourite } : one))), complain)} aria-label={t("favourite")} title={t("favourite")}><Icon name="star" /></button>
                <button type="button" className="plain" aria-pressed={chosen.has(result.id)} onClick={() => toggle(result.id)} aria-label={t("choose")} title={t("choose")}><Icon name="check" /></button>
                <button type="button" className="plain" onClick={() => void openResult(result.id)} aria-label={t("openWorkflow")} title={t("openWorkflow")}><Icon name="open" /></button>
                {which === "trashed" ? (
                  <button type="button" className="plain" onClick={() => void api.restore(result.id).catch(complain)} aria-label={t("restore")} title={t("restore")}><Icon name="undo" /></button>
                ) : (
                  <button type="button" className="plain" onClick={() => trash([result.id])} aria-label={t("toBin")} title={t("toBin")}><Icon name="trash" /></button>
                )}
              </div>
            </li>
          ))}
        </ul>
        {!results.length && <p className="empty">{t(search || which !== "all" ? "nothingFound" : "noResults")}</p>}
        {total > results.length && <button type="button" className="more" onClick={() => setLimit(limit + PAGE)}>{t("more")}</button>}
      </div>
    </aside>
  );
}
