// Decides what the dialogs for opening, saving, keys, revisions and sweeps hold.

import { lazy, Suspense, useEffect, useState } from "react";
import { api, picture } from "../api/client";
import type { Revision, WorkflowSummary } from "../api/types";
import { compared, type Comparison } from "../graph/compare";
import { EMPTY, nodesOf, own } from "../graph/document";
import { setNode } from "../graph/edit";
import type { Json } from "../graph/json";
import { writtenNumber } from "../fields/NumberField";
import { ACTIONS } from "../state/actions";
import { activeTab, app, complain, newTab, openTab, say, setDocument, shown, titleOf, useApp } from "../state/app";
import { compare, fileName, FILES, openFile, openStored, openTemplate, pickFile, save, show } from "../state/files";
import { keyNames, t, type Key } from "../text";
import { Icon } from "../view/Icon";
import { bytes, humanName, moment } from "../view/format";
import { Changes } from "./Changes";
import { DialogFrame } from "./DialogFrame";
import { Viewer } from "./Viewer";

const MaskPainter = lazy(() => import("./MaskPainter").then((found) => ({ default: found.MaskPainter })));
const CompareView = lazy(() => import("./CompareView").then(({ CompareView: view }) => ({ default: view })));

export function Dialogs() {
  const dialog = useApp((state) => state.dialog);
  switch (dialog?.kind) {
    case "open":
      return <OpenDialog />;
    case "save":
      return <SaveDialog />;
    case "keys":
      return <KeysDialog />;
    case "revisions":
      return <RevisionsDialog />;
    case "compare":
      return <Suspense><CompareView from={dialog.from} to={dialog.to} /></Suspense>;
    case "viewer":
      return <Viewer results={dialog.results} start={dialog.at} compare={dialog.compare} />;
    case "sweep":
      return <SweepDialog node={dialog.node} input={dialog.input} />;
    case "mask":
      return (
        <Suspense>
          <MaskPainter node={dialog.node} input={dialog.input} name={dialog.name} />
        </Suspense>
      );
    default:
      return null;
  }
}

function OpenDialog() {
  const [search, setSearch] = useState("");
  const [stored, setStored] = useState<readonly WorkflowSummary[]>([]);
  const [templates, setTemplates] = useState<readonly WorkflowSummary[]>([]);
  useEffect(() => {
    let gone = false;
    api.workflows(search).then((page) => !gone && setStored(page.workflows), complain);
    return () => {
      gone = true;
    };
  }, [search]);
  useEffect(() => {
    api.templates().then(setTemplates, complain);
  }, []);
  const remove = (one: WorkflowSummary) => {
    if (!confirm(t("reallyRemove", { name: one.name }))) return;
    void api.removeWorkflow(one.name, one.etag).then(() => setStored((all) => all.filter((other) => other.name !== one.name)), complain);
  };
  return (
    <DialogFrame title={t("actOpen")} className="open">
      <div className="tools">
        <input autoFocus className="text" type="search" aria-label={t("search")} placeholder={t("search")} value={search} onChange={(event) => setSearch(event.target.value)} />
        <button type="button" onClick={() => void pickFile(FILES).then((file) => file && openFile(file))}><Icon name="upload" /> {t("actOpenFile")}</button>
        <button type="button" onClick={() => (openTab(newTab(EMPTY)), app.set({ dialog: null }))}><Icon name="plus" /> {t("actNew")}</button>
      </div>
      <h3>{t("templates")}</h3>
      <div className="cards">
        {templates
          .filter((one) => `${one.title} ${one.name} ${one.description}`.toLowerCase().includes(search.toLowerCase()))
          .map((one) => (
            <button key={one.name} type="button" className="card" onClick={() => void openTemplate(one.name)}>
              <TemplatePicture of={one} />
              <b>{one.title || one.name}</b>
              <span>{one.description}</span>
            </button>
          ))}
      </div>
      <h3>{t("onServer")}</h3>
      <ul className="files">
        {stored.map((one) => (
          <li key={one.name}>
            <button type="button" className="file" onClick={() => void openStored(one.name)}>
              <b>{one.name}</b>
              <span className="faint">{one.problem || [one.title !== one.name ? one.title : "", t("nodeCount", { count: one.nodes }), bytes(one.size_bytes), moment(one.saved_at)].filter(Boolean).join(" · ")}</span>
            </button>
            <button type="button" className="plain" onClick={() => remove(one)} aria-label={t("removeNamed", { name: one.name })}><Icon name="trash" /></button>
          </li>
        ))}
        {!stored.length && <li className="empty">{t(search ? "nothingFound" : "nothingStored")}</li>}
      </ul>
    </DialogFrame>
  );
}

/** What the template makes; nothing where there is no picture of it. */
function TemplatePicture({ of }: { readonly of: WorkflowSummary }) {
  const [missing, setMissing] = useState(false);
  if (missing) return null;
  return <img src={picture.template(of.name)} alt={t("madeWith", { title: of.title || of.name })} loading="lazy" draggable={false} onError={() => setMissing(true)} />;
}

function SaveDialog() {
  const tab = activeTab();
  const [name, setName] = useState(tab.name ?? (tab.history.document.title ? fileName(tab.history.document.title) : ""));
  const submit = async (event: React.FormEvent) => {
    event.preventDefault();
    if (await save(tab.id, name.trim())) app.set({ dialog: null });
  };
  return (
    <DialogFrame title={t("actSaveAs")}>
      <form className="stack" onSubmit={(event) => void submit(event)}>
        <label htmlFor="save-name">{t("name")}</label>
        <input id="save-name" autoFocus className="text" value={name} maxLength={100} required onChange={(event) => setName(event.target.value)} />
        <div className="button-row end">
          <button type="submit" className="strong"><Icon name="save" /> {t("actSave")}</button>
        </div>
      </form>
    </DialogFrame>
  );
}

function KeysDialog() {
  return (
    <DialogFrame title={t("actKeys")} className="keys">
      {(["run", "edit", "view", "file"] as const).map((group) => (
        <section key={group}>
          <h3>{t(`group_${group}` as Key)}</h3>
          <dl>
            {ACTIONS.filter((action) => action.group === group && action.keys).map((action) => (
              <div key={action.id}>
                <dt>{t(action.title)}</dt>
                <dd>{[action.keys ?? "", ...(action.more ?? [])].map((keys) => <kbd key={keys}>{keyNames(keys)}</kbd>)}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
      <section>
        <h3>{t("group_wiring")}</h3>
        <ul>{(["wiring1", "wiring2", "wiring3", "wiring4", "wiring5", "wiring6"] as const).map((key) => <li key={key}>{t(key)}</li>)}</ul>
      </section>
    </DialogFrame>
  );
}

function RevisionsDialog() {
  const tab = activeTab();
  const [revisions, setRevisions] = useState<readonly Revision[] | null>(null);
  const [chosen, setChosen] = useState<number | null>(null);
  const [diff, setDiff] = useState<Comparison | null>(null);
  useEffect(() => {
    if (tab.name !== null) api.revisions(tab.name).then((list) => setRevisions(list.revisions), complain);
  }, [tab.name]);
  const look = async (number: number) => {
    try {
      setChosen(number);
      const { workflow } = await api.revision(tab.name!, number);
      setDiff(compared(workflow, tab.history.document, await api.diff(workflow, tab.history.document)));
    } catch (error) {
      complain(error);
    }
  };
  const restore = async () => {
    try {
      const { workflow } = await api.revision(tab.name!, chosen!);
      setDocument(tab.id, workflow);
      app.set({ dialog: null });
      say(t("restored", { number: chosen! }));
    } catch (error) {
      complain(error);
    }
  };
  if (tab.name === null) return <DialogFrame title={t("actRevisions")}><p className="empty">{t("saveFirst")}</p></DialogFrame>;
  return (
    <DialogFrame title={t("actRevisions")} className="revisions">
      <ul className="files">
        {[...(revisions ?? [])].sort((one, other) => other.number - one.number).map((one) => (
          <li key={one.number}>
            <button type="button" className="file" aria-pressed={chosen === one.number} onClick={() => void look(one.number)}>
              <b>{t("revision", { number: one.number })}</b>
              <span className="faint">{moment(one.saved_at)} · {bytes(one.size_bytes)}</span>
            </button>
          </li>
        ))}
      </ul>
      <div className="diff">
        {diff ? <Changes comparison={diff} /> : <p className="empty">{t("chooseRevision")}</p>}
        {chosen !== null && (
          <div className="button-row end">
            <button type="button" onClick={() => void api.revision(tab.name!, chosen).then(({ workflow }) => compare({ title: t("revision", { number: chosen }), workflow }), complain)}>{t("showInGraph")}</button>
            <button type="button" onClick={() => void api.revision(tab.name!, chosen).then(({ workflow }) => show(workflow), complain)}>{t("openBeside")}</button>
            <button type="button" className="strong" onClick={() => void restore()}>{t("restore")}</button>
          </div>
        )}
      </div>
    </DialogFrame>
  );
}

const MOST = 64;

/** Queues the workflow once for each value of a field. */
function SweepDialog({ node, input }: { readonly node: string; readonly input: string }) {
  const [text, setText] = useState("");
  const tab = activeTab();
  const values = sweepValues(text);
  const submit = async (event: React.FormEvent) => {
    event.preventDefault();
    const document = shown(tab) === tab.history.document ? tab.history.document : null;
    if (!document) return;
    try {
      for (const value of values.slice(0, MOST)) {
        const entry = own(nodesOf(document), node)!;
        const workflow = setNode(document, node, { ...entry, values: { ...entry.values, [input]: value } });
        await api.run({ workflow, title: `${titleOf(tab, t("untitled"))} · ${humanName(input)} ${String(value)}` });
      }
      app.set({ dialog: null, panel: "queue" });
      say(t("queued", { count: Math.min(MOST, values.length) }));
    } catch (error) {
      complain(error);
    }
  };
  return (
    <DialogFrame title={t("sweepOf", { name: humanName(input) })}>
      <form className="stack" onSubmit={(event) => void submit(event)}>
        <label htmlFor="sweep-values">{t("sweepHint")}</label>
        <textarea id="sweep-values" autoFocus className="text" rows={6} value={text} onChange={(event) => setText(event.target.value)} />
        <div className="button-row end">
          <button type="submit" className="strong" disabled={!values.length}><Icon name="play" /> {t("queueCount", { count: Math.min(MOST, values.length) })}</button>
        </div>
      </form>
    </DialogFrame>
  );
}

/** One value a line; `1..5` counts, `0..1 / 0.25` counts in steps. */
export function sweepValues(text: string): Json[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean)
    .flatMap((line): Json[] => {
      const range = /^(-?[\d.]+)\.\.(-?[\d.]+)(?:\s*\/\s*([\d.]+))?$/.exec(line);
      if (range) {
        const [from, to, step] = [Number(range[1]), Number(range[2]), Number(range[3] ?? 1)];
        if (step > 0 && Number.isFinite(from) && Number.isFinite(to)) return Array.from({ length: Math.min(MOST, Math.floor(Math.abs(to - from) / step + 1e-9) + 1) }, (_, index) => Number((from + Math.sign(to - from || 1) * index * step).toPrecision(12)));
      }
      const number = /^-?[\d.]+$/.test(line) ? writtenNumber(line, !line.includes(".")) : undefined;
      return [number ?? line];
    });
}

