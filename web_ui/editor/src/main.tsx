// Decides what happens when the page opens: language and theme, what was open before (or the first template), then the server.

import "@xyflow/react/dist/base.css";
import "./styles.css";
import { createRoot } from "react-dom/client";
import { App } from "./App";
import { api } from "./api/client";
import { canonical, EMPTY, read } from "./graph/document";
import { watchEverything } from "./run/runs";
import { activeTab, app, loadCatalogue, newTab, statesOf } from "./state/app";
import { openStored } from "./state/files";
import { keepAlways, restore } from "./state/session";
import { applyTheme, followSystem } from "./state/theme";
import { preferred, speak, t } from "./text";
import { watchHeldFingers } from "./view/longPress";

const FIRST = "text_to_image";

async function start(): Promise<void> {
  applyTheme();
  followSystem();
  watchHeldFingers(document);
  await speak(preferred());
  createRoot(document.getElementById("root")!).render(<App />);
  const restored = restore();
  try {
    const session = await api.session();
    if (session.required && !session.authenticated) {
      app.set({ needsToken: true });
      return;
    }
    await loadCatalogue();
  } catch (error) {
    const { message, action = "" } = error as { message: string; action?: string };
    app.set({ failure: `${message} ${action}` });
    return;
  }
  const before = await restored;
  app.set(before ?? { tabs: [await firstTab()] });
  if (!before) app.set({ active: app.get().tabs[0]!.id });
  app.set({ ready: true });
  keepAlways();
  watchEverything();
  const wanted = new URLSearchParams(location.search).get("workflow");
  if (wanted) await openStored(wanted);
}

/** On a phone the form is shown first. */
async function firstTab() {
  const mode = matchMedia("(max-width: 700px)").matches ? ("form" as const) : ("graph" as const);
  try {
    return newTab(await api.template(FIRST), { mode });
  } catch {
    const [other] = await api.templates().catch(() => []);
    return other ? newTab(await api.template(other.name), { mode }) : newTab(EMPTY);
  }
}

/** For tests, and for whoever wants to look: what is shown, as data. It changes nothing. */
Object.defineProperty(window, "__editor", {
  value: Object.freeze({
    document: () => JSON.parse(canonical(activeTab().history.document)) as unknown,
    canonical: (text: string) => canonical(read(text)),
    tab: () => {
      const { id, name, job, running, mode, problems, selection, history } = activeTab();
      return { id, name, job, running, mode, problems, selected: [...selection.nodes], undoable: history.past.length, redoable: history.future.length };
    },
    node: (path: string) => ({ ...statesOf(activeTab().id).get(path), plan: statesOf(activeTab().id).plan(path) }),
    connection: () => app.get().connection,
  }),
});

document.title = "Latent Loom";
start().catch((error: unknown) => app.set({ failure: `${t("cannotStart")} ${String(error)}` }));
