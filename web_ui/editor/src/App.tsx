// Decides how the parts of the page stand together, and what a drop, a paste or a key anywhere on it means.

import { useEffect, useState } from "react";
import { api } from "./api/client";
import { Dialogs } from "./panels/Dialogs";
import { FormView } from "./panels/FormView";
import { Gallery } from "./panels/Gallery";
import { Inspector } from "./panels/Inspector";
import { addNode, Palette } from "./panels/Palette";
import { DRAGGED, Library } from "./panels/Library";
import { ListView } from "./panels/ListView";
import { Ports } from "./panels/Ports";
import { QueuePanel } from "./panels/QueuePanel";
import { SearchBar } from "./panels/SearchBar";
import { TopBar } from "./panels/TopBar";
import { pictureIn, uploaded } from "./fields/PictureField";
import { onKey, pasteText } from "./state/actions";
import { activeTab, app, complain, dismiss, dispatch, leaveTo, useApp, useTab } from "./state/app";
import { compareWithStored, openFile, settle } from "./state/files";
import { t } from "./text";
import { Boundary } from "./view/Boundary";
import { Canvas } from "./view/Canvas";
import { canvas } from "./view/canvasHandle";
import { LinkReason } from "./view/LinkReason";
import { MenuLayer } from "./view/Menu";

export function App() {
  const version = useApp((state) => state.languageVersion);
  const ready = useApp((state) => state.ready);
  const failure = useApp((state) => state.failure);
  const needsToken = useApp((state) => state.needsToken);
  const mode = useTab((tab) => tab.mode);
  const library = useApp((state) => state.library);
  const panel = useApp((state) => state.panel);
  useEffect(() => {
    addEventListener("keydown", onKey);
    const pasted = (event: ClipboardEvent) => {
      if ((event.target as HTMLElement).closest("input, textarea, [contenteditable=true]") || app.get().dialog) return;
      const file = pictureIn(event.clipboardData);
      if (file) {
        event.preventDefault();
        void placePicture(file);
      } else if (pasteText(event.clipboardData?.getData("text/plain") ?? "", false)) event.preventDefault();
    };
    addEventListener("paste", pasted);
    return () => {
      removeEventListener("keydown", onKey);
      removeEventListener("paste", pasted);
    };
  }, []);
  if (needsToken) return <TokenForm />;
  if (failure) return <Failure text={failure} />;
  if (!ready) return <div className="splash" role="status">{t("loading")}</div>;
  return (
    <div className="app" key={version} onDragOver={allowDrop} onDrop={(event) => void onDrop(event)}>
      <a className="skip" href="#main">{t("skipToWork")}</a>
      <TopBar />
      <Banners />
      <div className="work">
        {library && mode === "graph" && <Library />}
        <Boundary key={mode}>
          {mode === "graph" && (
            <main className="canvas" id="main" aria-label={t("graph")}>
              <Heading />
              <Crumbs />
              <SearchBar />
              <Canvas />
            </main>
          )}
          {mode === "form" && <FormView />}
          {mode === "list" && <ListView />}
        </Boundary>
        <Boundary key={panel}>
          {panel === "inspect" && <Inspector />}
          {panel === "ports" && <Ports />}
          {panel === "queue" && <QueuePanel />}
          {panel === "gallery" && <Gallery />}
        </Boundary>
      </div>
      <Palette />
      <Dialogs />
      <LinkReason />
      <MenuLayer />
      <Toasts />
      <Announced />
    </div>
  );
}

function Heading() {
  return <h1 className="unseen">{useTab((tab) => tab.history.document.title) || t("untitled")}</h1>;
}

function Announced() {
  const text = useApp((state) => state.announced);
  return <div className="unseen" aria-live="polite">{text}</div>;
}

function Crumbs() {
  const places = useTab((tab) => tab.places);
  if (places.length < 2) return null;
  return (
    <nav className="crumbs" aria-label={t("subgraphs")}>
      {places.map((place, depth) => (
        <button key={place.prefix} type="button" disabled={depth === places.length - 1} onClick={() => leaveTo(depth)}>
          {depth ? place.title : t("wholeWorkflow")}
        </button>
      ))}
    </nav>
  );
}

function Banners() {
  const connection = useApp((state) => state.connection);
  const conflict = useTab((tab) => tab.conflict);
  const name = useTab((tab) => tab.name);
  return (
    <div aria-live="polite" className="banners">
      {connection === "lost" && <div className="banner" data-kind="lost"><span className="lamp" data-state="stopped" /> {t("connectionLost")}</div>}
      {conflict !== null && (
        <div className="banner" role="alert">
          <span>{t("conflict", { name: name ?? "" })}</span>
          <button type="button" onClick={() => void compareWithStored()}>{t("compare")}</button>
          <button type="button" onClick={() => void settle("theirs")}>{t("takeTheirs")}</button>
          <button type="button" onClick={() => void settle("mine")}>{t("keepMine")}</button>
          <button type="button" onClick={() => void settle("copy")}>{t("keepBoth")}</button>
        </div>
      )}
    </div>
  );
}

function Toasts() {
  const toasts = useApp((state) => state.toasts);
  return (
    <div className="toasts" role="status" aria-live="polite">
      {toasts.map((toast) => (
        <div key={toast.id} className="toast" data-kind={toast.kind}>
          <span>{toast.text}</span>
          {toast.action && <button type="button" onClick={() => (toast.action!.run(), dismiss(toast.id))}>{toast.action.title}</button>}
          <button type="button" className="plain" onClick={() => dismiss(toast.id)} aria-label={t("close")}>×</button>
        </div>
      ))}
    </div>
  );
}

function TokenForm() {
  const [token, setToken] = useState("");
  return (
    <main className="splash">
      <form
        className="form-card"
        onSubmit={(event) => {
          event.preventDefault();
          api.logIn(token.trim()).then(() => location.reload(), complain);
        }}
      >
        <h1>Latent Loom</h1>
        <label htmlFor="token">{t("tokenNeeded")}</label>
        <input id="token" className="text" type="password" autoFocus autoComplete="current-password" value={token} onChange={(event) => setToken(event.target.value)} />
        <button type="submit" className="strong">{t("enter")}</button>
      </form>
      <Toasts />
    </main>
  );
}

function Failure({ text }: { readonly text: string }) {
  return (
    <main className="splash" role="alert">
      <div className="form-card">
        <h1>Latent Loom</h1>
        <p>{text}</p>
        <button type="button" className="strong" onClick={() => location.reload()}>{t("again")}</button>
      </div>
    </main>
  );
}

function allowDrop(event: React.DragEvent): void {
  if ([...event.dataTransfer.types].some((type) => type === "Files" || type === DRAGGED)) event.preventDefault();
}

async function onDrop(event: React.DragEvent): Promise<void> {
  const node = event.dataTransfer.getData(DRAGGED);
  if (node) {
    event.preventDefault();
    const at = canvas()?.at(event.clientX, event.clientY);
    if (at) addNode(node, { at: { x: Math.round(at.x / 10) * 10, y: Math.round(at.y / 10) * 10 } });
    return;
  }
  const [file] = event.dataTransfer.files;
  if (!file) return;
  event.preventDefault();
  if (file.type.startsWith("image/") && file.type !== "image/png") await placePicture(file, canvas()?.at(event.clientX, event.clientY));
  else await openFile(file);
}

/** A picture from elsewhere becomes a node that loads it. */
async function placePicture(file: File, at = canvas()?.centre()): Promise<void> {
  if (activeTab().mode !== "graph") return;
  const info = [...app.get().catalogue.values()].find((one) => one.inputs.some((input) => input.choice_of === "picture"));
  const input = info?.inputs.find((one) => one.choice_of === "picture");
  const name = info && input && (await uploaded(file));
  if (info && input && name) dispatch({ type: "node/add", nodeType: info.type, at: at ?? { x: 0, y: 0 }, values: { [input.name]: name } }, { select: true });
}
