// Decides how menus open and are walked through: a list of entries at a point, by pointer, arrow keys or first letter.

import { useEffect, useLayoutEffect, useRef, useState } from "react";
import { createStore, useStore } from "../state/store";
import { keyNames, t } from "../text";

export interface MenuEntry {
  readonly title: string;
  readonly keys?: string;
  readonly disabled?: boolean;
  readonly separated?: boolean;
  readonly checked?: boolean;
  readonly colours?: readonly { readonly value: string; readonly title: string }[];
  readonly run: (value?: string) => void;
}

const menu = createStore<{ open: { x: number; y: number; entries: readonly MenuEntry[]; back: Element | null } | null }>({ open: null });

export function openMenu(x: number, y: number, entries: readonly MenuEntry[]): void {
  menu.set({ open: { x, y, entries, back: document.activeElement } });
}

/** Opens a menu below a button. */
export function menuBelow(button: HTMLElement, entries: readonly MenuEntry[]): void {
  const { left, bottom } = button.getBoundingClientRect();
  openMenu(left, bottom + 4, entries);
}

export function MenuLayer() {
  const open = useStore(menu, (state) => state.open);
  const box = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState({ left: 0, top: 0 });
  useLayoutEffect(() => {
    if (!open || !box.current) return;
    const { width, height } = box.current.getBoundingClientRect();
    setAt({ left: Math.max(4, Math.min(open.x, innerWidth - width - 8)), top: Math.max(4, Math.min(open.y, innerHeight - height - 8)) });
    box.current.querySelector<HTMLElement>("[role^=menuitem]:not([disabled])")?.focus();
  }, [open]);
  useEffect(() => {
    if (!open) return;
    const outside = (event: PointerEvent) => !box.current?.contains(event.target as Node) && menu.set({ open: null });
    document.addEventListener("pointerdown", outside, true);
    return () => document.removeEventListener("pointerdown", outside, true);
  }, [open]);
  if (!open) return null;
  const close = () => {
    menu.set({ open: null });
    if (open.back instanceof HTMLElement) open.back.focus({ preventScroll: true });
  };
  return (
    <section aria-label={t("menu")}>
    <div
      ref={box}
      className="popup menu"
      role="menu"
      style={at}
      onKeyDown={(event) => {
        event.stopPropagation();
        const items = [...box.current!.querySelectorAll<HTMLElement>("[role^=menuitem]:not([disabled])")];
        const index = items.indexOf(document.activeElement as HTMLElement);
        if (event.key === "ArrowDown") items[(index + 1) % items.length]?.focus();
        else if (event.key === "ArrowUp") items[(index - 1 + items.length) % items.length]?.focus();
        else if (event.key === "Escape" || event.key === "Tab") close();
        else if (event.key.length === 1) items.find((item) => item.textContent?.toLowerCase().startsWith(event.key.toLowerCase()))?.focus();
        else return;
        event.preventDefault();
      }}
    >
      {open.entries.map((entry) =>
        entry.colours ? (
          <div key={entry.title} className="menu-colours" role="group" aria-label={entry.title} data-separated={entry.separated || undefined}>
            {entry.colours.map((colour) => (
              <button key={colour.value} type="button" role="menuitem" className="swatch" data-colour={colour.value || undefined} aria-label={colour.title} title={colour.title} onClick={() => (close(), entry.run(colour.value))} />
            ))}
          </div>
        ) : (
          <button
            key={entry.title}
            type="button"
            role={entry.checked === undefined ? "menuitem" : "menuitemcheckbox"}
            aria-checked={entry.checked}
            disabled={entry.disabled}
            data-separated={entry.separated || undefined}
            onClick={() => {
              close();
              entry.run();
            }}
          >
            <span>{entry.checked ? "✓ " : ""}{entry.title}</span>
            {entry.keys && <kbd>{keyNames(entry.keys)}</kbd>}
          </button>
        ),
      )}
    </div>
    </section>
  );
}
