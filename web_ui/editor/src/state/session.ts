// Decides how open work outlives the page: every window keeps its tabs in IndexedDB, and a new window takes over what one that is gone has left.

import { anyTextOf, read } from "../graph/document";
import { activeTab, app, newTab, type Mode, type Tab } from "./app";

interface KeptTab {
  id: string;
  text: string;
  saved: string | null;
  name: string | null;
  etag: string | null;
  job: string | null;
  mode: Mode;
  conflict: string | null;
}

interface KeptWindow {
  id: string;
  at: number;
  active: string;
  tabs: KeptTab[];
}

const STORE = "windows";
const WAIT_MS = 400;
const FORGOTTEN_AFTER_MS = 30 * 24 * 3600 * 1000;

let opened: Promise<IDBDatabase> | null = null;
function database(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open("latent-loom", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "id" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB"));
  });
  return opened;
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("IndexedDB"));
  });
}

/** Takes the lock that says this window is alive; false when another window has it. */
function claim(id: string): Promise<boolean> {
  if (!navigator.locks) return Promise.resolve(true);
  return new Promise((resolve) => {
    void navigator.locks.request(`loom.window.${id}`, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock === null ? undefined : new Promise(() => {});
    });
  });
}

let mine = "";

/** The tabs that this window had, or that a window which is gone has left. */
export async function restore(): Promise<{ tabs: Tab[]; active: string } | null> {
  try {
    const store = (await database()).transaction(STORE).objectStore(STORE);
    const all = ((await done(store.getAll())) as KeptWindow[]).sort((one, other) => other.at - one.at);
    const before = sessionStorage.getItem("loom.window");
    let found: KeptWindow | undefined;
    if (before && (await claim(before))) {
      mine = before;
      found = all.find((one) => one.id === before);
    } else {
      for (const one of all) {
        if (!navigator.locks || (await claim(one.id))) {
          mine = one.id;
          found = one;
          break;
        }
      }
    }
    if (!mine) {
      mine = crypto.randomUUID?.() ?? String(Math.random());
      await claim(mine);
    }
    sessionStorage.setItem("loom.window", mine);
    for (const one of all) if (Date.now() - one.at > FORGOTTEN_AFTER_MS && one.id !== mine) await forget(one.id);
    return found?.tabs.length ? { tabs: found.tabs.map(revived), active: found.active } : null;
  } catch {
    mine ||= "window";
    return null;
  }
}

async function forget(id: string): Promise<void> {
  await done((await database()).transaction(STORE, "readwrite").objectStore(STORE).delete(id));
}

function revived(kept: KeptTab): Tab {
  const document = read(kept.text);
  const saved = kept.saved === null ? document : read(kept.saved);
  return newTab(document, { id: kept.id, saved, name: kept.name, etag: kept.etag, job: kept.job, mode: kept.mode, conflict: kept.conflict });
}

async function keep(): Promise<void> {
  const state = app.get();
  const tabs = state.tabs.map((tab): KeptTab => {
    const { history, saved, id, name, etag, job, mode, conflict } = tab;
    return { id, text: anyTextOf(history.document), saved: saved === history.document ? null : anyTextOf(saved), name, etag, job, mode, conflict };
  });
  const kept: KeptWindow = { id: mine, at: Date.now(), active: activeTab().id, tabs };
  await done((await database()).transaction(STORE, "readwrite").objectStore(STORE).put(kept));
}

/** Keeps the tabs, a moment after each change and when the page is left. */
export function keepAlways(): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let last = app.get().tabs;
  const now = () => {
    clearTimeout(timer);
    timer = undefined;
    keep().catch(() => {});
  };
  app.subscribe(() => {
    if (app.get().tabs === last) return;
    last = app.get().tabs;
    timer ??= setTimeout(now, WAIT_MS);
  });
  addEventListener("pagehide", now);
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && now());
}
