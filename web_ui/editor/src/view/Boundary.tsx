// Decides what is shown when a part of the page breaks: the fault in words, and a way on. The work itself is kept in the browser's store.

import { Component, type ReactNode } from "react";
import { t } from "../text";

export class Boundary extends Component<{ readonly children: ReactNode }, { readonly fault: string | null }> {
  override state = { fault: null };

  static getDerivedStateFromError(error: unknown) {
    return { fault: String(error) };
  }

  override render() {
    if (this.state.fault === null) return this.props.children;
    return (
      <main className="splash" role="alert">
        <div className="form-card">
          <h1>{t("broken")}</h1>
          <p className="form-help">{t("brokenHint")}</p>
          <pre className="mono">{this.state.fault}</pre>
          <button type="button" className="strong" onClick={() => this.setState({ fault: null })}>{t("again")}</button>
        </div>
      </main>
    );
  }
}
