// Decides what stands above the graph: the menu, the tabs, the three views, undo, panels and the button that runs.

import { cancel, recheck, run } from "../run/runs";
import { activeTab, app, changeTab, closeTab, complain, isDirty, loadCatalogue, newTab, openTab, redoNext, titleOf, undoLast, useApp, useTab, type Mode, type Panel } from "../state/app";
import { EMPTY } from "../graph/document";
import { keyNames, language, speak, t } from "../text";
import { Icon, type IconName } from "../view/Icon";
import { seconds } from "../view/format";
import { menuBelow } from "../view/Menu";
import { entry } from "../view/menus";

export function TopBar() {
  const tabs = useApp((state) => state.tabs);
  const active = useApp((state) => activeTab(state).id);
  const mode = useTab((tab) => tab.mode);
  const panel = useApp((state) => state.panel);
  const library = useApp((state) => state.library);
  const canUndo = useTab((tab) => tab.history.past.length > 0);
  const canRedo = useTab((tab) => tab.history.future.length > 0);
  const waiting = useApp((state) => state.queue?.jobs.length ?? 0);
  return (
    <header className="topbar">
      <button type="button" className="plain logo" aria-label={t("menu")} aria-haspopup="menu" onClick={(event) => menuBelow(event.currentTarget, mainMenu())}>
        <svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8" fill="var(--accent)" /><path d="M7 22C13 22 11 10 17 10M7 10c6 0 4 12 10 12M17 10h8M17 22h8" fill="none" stroke="#fff" strokeWidth="2.6" strokeLinecap="round" /></svg>
        <Icon name="down" />
      </button>
      <nav className="tabs" aria-label={t("openWorkflows")}>
        {tabs.map((tab) => (
          <div key={tab.id} className="tab" data-active={tab.id === active || undefined}>
            <button type="button" aria-current={tab.id === active ? "page" : undefined} onClick={() => app.set({ active: tab.id })} onAuxClick={(event) => event.button === 1 && closeTab(tab.id)}>
              {tab.running && <span className="lamp" data-state="busy" />}
              {titleOf(tab, t("untitled"))}
              {isDirty(tab) && <span className="unsaved" role="img" aria-label={t("unsaved")} title={t("unsaved")}>●</span>}
            </button>
            <button type="button" className="plain tab-close" aria-label={t("closeNamed", { name: titleOf(tab, t("untitled")) })} onClick={() => (!isDirty(tab) || tab.history.document === EMPTY || confirm(t("reallyClose"))) && closeTab(tab.id)}>
              <Icon name="close" />
            </button>
          </div>
        ))}
        <button type="button" className="plain" aria-label={t("actNew")} title={t("actNew")} onClick={() => openTab(newTab(EMPTY))}>
          <Icon name="plus" />
        </button>
      </nav>
      <div className="group optional">
        <Tool icon="undo" title="actUndo" keys="Ctrl+Z" disabled={!canUndo} run={undoLast} />
        <Tool icon="redo" title="actRedo" keys="Ctrl+Shift+Z" disabled={!canRedo} run={redoNext} />
      </div>
      <div className="segmented" role="group" aria-label={t("viewAs")}>
        {(["graph", "form", "list"] as const).map((one: Mode) => (
          <button key={one} type="button" aria-pressed={mode === one} onClick={() => changeTab(activeTab().id, { mode: one })} title={t(one === "graph" ? "actGraph" : one === "form" ? "actForm" : "actList")}>
            <Icon name={one} />
            <span>{t(one === "graph" ? "graph" : one === "form" ? "form" : "list")}</span>
          </button>
        ))}
      </div>
      <div className="group optional">
        <Tool icon="library" title="actLibrary" keys="Shift+A" pressed={library} run={() => app.set({ library: !library })} />
        {(["inspect", "ports", "queue", "gallery"] as const).map((one) => (
          <Tool key={one} icon={one as IconName} title={({ inspect: "actInspect", ports: "actPorts", queue: "actQueue", gallery: "actGallery" } as const)[one]} keys={{ inspect: "I", ports: "P", queue: "Q", gallery: "G" }[one]} pressed={panel === one} run={() => app.set({ panel: panel === one ? null : (one as Panel) })}>
            {one === "queue" && waiting > 0 && <span className="count">{waiting}</span>}
          </Tool>
        ))}
      </div>
      <RunButton />
    </header>
  );
}

function RunButton() {
  const running = useTab((tab) => tab.running);
  const problems = useTab((tab) => tab.problems);
  const planSeconds = useTab((tab) => tab.planSeconds);
  const onChange = useApp((state) => state.runOnChange);
  const why = problems.length ? problems.map((one) => `${one.node ?? ""} ${one.cause}`).join("\n") : planSeconds ? t("aboutTime", { time: seconds(planSeconds) }) : "";
  return (
    <div className="run">
      {running && (
        <button type="button" onClick={() => void cancel()} title={t("actCancel")} aria-label={t("actCancel")}>
          <Icon name="stop" />
        </button>
      )}
      <button type="button" className="strong" data-problems={problems.length > 0 || undefined} title={`${t("actRun")} (${keyNames("Ctrl+Enter")})${why ? `\n${why}` : ""}`} onClick={() => void run()}>
        <Icon name={problems.length ? "warning" : "play"} />
        {t("actRun")}
        {problems.length > 0 && <span className="count">{problems.length}</span>}
      </button>
      <button
        type="button"
        className="strong more-runs"
        aria-label={t("moreRuns")}
        aria-haspopup="menu"
        onClick={(event) =>
          menuBelow(event.currentTarget, [
            entry("run"),
            entry("run-here"),
            ...[4, 8].map((count) => ({ title: t("runTimes", { count }), run: () => void times(count) })),
            entry("run-on-change", { checked: onChange, separated: true }),
            entry("cancel", { separated: true, disabled: !running }),
          ])
        }
      >
        <Icon name="down" />
      </button>
    </div>
  );
}

/** Queues several runs; with seeds that are not locked each has its own. */
async function times(count: number): Promise<void> {
  for (let done = 0; done < count; done += 1) if (!(await run())) return;
}

function Tool({ icon, title, keys, run: act, pressed, disabled, children }: { readonly icon: IconName; readonly title: Parameters<typeof t>[0]; readonly keys: string; readonly run: () => void; readonly pressed?: boolean; readonly disabled?: boolean; readonly children?: React.ReactNode }) {
  return (
    <button type="button" className="plain" title={`${t(title)} (${keyNames(keys)})`} aria-label={t(title)} aria-pressed={pressed} disabled={disabled} onClick={act}>
      <Icon name={icon} />
      {children}
    </button>
  );
}

function mainMenu() {
  return [
    entry("new"),
    entry("open"),
    entry("open-file"),
    entry("save", { separated: true }),
    entry("save-as"),
    entry("download"),
    entry("download-picture"),
    entry("copy-link"),
    entry("revisions"),
    entry("compare-file"),
    entry("library", { separated: true }),
    entry("inspect"),
    entry("ports"),
    entry("queue"),
    entry("gallery"),
    entry("undo", { separated: true }),
    entry("redo"),
    entry("theme", { separated: true }),
    { title: language() === "en" ? "Deutsch" : "English", run: () => void chooseLanguage(language() === "en" ? "de" : "en") },
    entry("keys"),
  ];
}

async function chooseLanguage(next: "en" | "de"): Promise<void> {
  try {
    localStorage.setItem("loom.language", next);
  } catch {
    // it holds until the page is left
  }
  await speak(next);
  app.set((state) => ({ languageVersion: state.languageVersion + 1 }));
  await loadCatalogue().then(recheck, complain); // what the server said was put into the other language when it came
}
