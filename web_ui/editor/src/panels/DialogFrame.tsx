// Decides how dialogs stand in front of the page: the browser's own modal dialog keeps the focus inside and closes on Escape.

import { useEffect, useRef, type ReactNode, type RefObject } from "react";
import { app } from "../state/app";
import { t } from "../text";
import { Icon } from "../view/Icon";

interface Props {
  readonly title: string;
  readonly children: ReactNode;
  readonly className?: string;
  /** Asked before it closes without being finished. */
  readonly mayClose?: () => boolean;
  /** What has the focus at first, where it is not the first control. */
  readonly first?: RefObject<HTMLElement | null>;
}

export function DialogFrame({ title, children, className = "", mayClose = () => true, first }: Props) {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const back = document.activeElement;
    box.current?.showModal();
    first?.current?.focus({ preventScroll: true });
    return () => {
      if (back instanceof HTMLElement) back.focus({ preventScroll: true });
    };
  }, [first]);
  const leave = () => mayClose() && app.set({ dialog: null });
  return (
    <dialog
      ref={box}
      className={`dialog ${className}`}
      aria-label={title}
      onClose={() => app.set({ dialog: null })}
      onCancel={(event) => {
        event.preventDefault();
        leave();
      }}
      onPointerDown={(event) => event.target === event.currentTarget && leave()}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key !== "Escape") return;
        event.preventDefault();
        leave();
      }}
    >
      <header>
        <h2>{title}</h2>
        <button type="button" className="plain" onClick={leave} aria-label={t("close")}>
          <Icon name="close" />
        </button>
      </header>
      <div className="dialog-body" tabIndex={0}>{children}</div>
    </dialog>
  );
}
