import { app } from "../state/app";
import { t } from "../text";
import { Icon } from "../view/Icon";

export function PanelHead({ title, children }: { readonly title: string; readonly children?: React.ReactNode }) {
  return (
    <header>
      <h2>{title}</h2>
      {children}
      <button type="button" className="plain" onClick={() => app.set({ panel: null })} aria-label={t("close")}>
        <Icon name="close" />
      </button>
    </header>
  );
}
