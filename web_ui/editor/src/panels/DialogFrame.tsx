// Decides how dialogs stand in front of the page: the browser's own modal dialog keeps the focus inside and closes on Escape.

import { useEffect, useRef, type ReactNode } from "react";
import { app } from "../state/app";
import { t } from "../text";
import { Icon } from "../view/Icon";

export function DialogFrame({ title, children, className = "" }: { readonly title: string; readonly children: ReactNode; readonly className?: string }) {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const back = document.activeElement;
    box.current?.showModal();
    return () => {
      if (back instanceof HTMLElement) back.focus({ preventScroll: true });
    };
  }, []);
  return (
    <dialog
      ref={box}
      className={`dialog ${className}`}
      aria-label={title}
      onClose={() => app.set({ dialog: null })}
      onPointerDown={(event) => event.target === event.currentTarget && event.currentTarget.close()}
      onKeyDown={(event) => event.stopPropagation()}
    >
      <header>
        <h2>{title}</h2>
        <button type="button" className="plain" onClick={() => app.set({ dialog: null })} aria-label={t("close")}>
          <Icon name="close" />
        </button>
      </header>
      <div className="dialog-body">{children}</div>
    </dialog>
  );
}
