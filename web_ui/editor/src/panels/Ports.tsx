// Decides how a workflow's declared inputs and outputs are edited: which, in what order, under which title.

import { orderOf } from "../graph/document";
import { dispatch, shown, useTab } from "../state/app";
import { t } from "../text";
import { Icon } from "../view/Icon";
import { humanName } from "../view/format";
import { PanelHead } from "./PanelHead";

export function Ports() {
  const workflow = useTab(shown);
  return (
    <aside className="side" aria-label={t("ports")}>
      <PanelHead title={t("ports")} />
      <div className="scroll pad">
        <div className="form-field">
          <label htmlFor="workflow-title">{t("title")}</label>
          <input id="workflow-title" className="text" value={workflow.title ?? ""} onChange={(event) => dispatch({ type: "workflow/set", title: event.target.value }, { merge: "title" })} />
        </div>
        <div className="form-field">
          <label htmlFor="workflow-description">{t("description")}</label>
          <textarea id="workflow-description" className="text" rows={3} value={workflow.description ?? ""} onChange={(event) => dispatch({ type: "workflow/set", description: event.target.value }, { merge: "description" })} />
        </div>
        <Group which="inputs" />
        <Group which="outputs" />
        <p className="form-help">{t("portsHint")}</p>
      </div>
    </aside>
  );
}

function Group({ which }: { readonly which: "inputs" | "outputs" }) {
  const workflow = useTab(shown);
  const names = orderOf(workflow, which);
  const type = which === "inputs" ? "input" : "output";
  const move = (name: string, by: number) => {
    const order = [...names];
    const at = order.indexOf(name);
    const to = at + by;
    if (to < 0 || to >= order.length) return;
    [order[at], order[to]] = [order[to]!, order[at]!];
    dispatch({ type: "port/order", which, names: order });
  };
  return (
    <section className="ports">
      <h3>{t(which)}</h3>
      {names.map((name, index) => {
        const port = workflow[which]![name]!;
        const place = "to" in port ? port.to.join(", ") : port.from;
        return (
          <div key={name} className="port">
            <div className="port-row">
              <input className="text" aria-label={`${name}: ${t("title")}`} value={port.title ?? ""} placeholder={humanName(name)} onChange={(event) => dispatch({ type: `${type}/set`, name, title: event.target.value }, { merge: `${type}:${name}` })} />
              <button type="button" className="plain" disabled={index === 0} onClick={() => move(name, -1)} aria-label={t("moveUp", { name })}><Icon name="up" /></button>
              <button type="button" className="plain" disabled={index === names.length - 1} onClick={() => move(name, 1)} aria-label={t("moveDown", { name })}><Icon name="down" /></button>
              <button type="button" className="plain" onClick={() => dispatch({ type: `${type}/remove`, name })} aria-label={t("removeNamed", { name })}><Icon name="close" /></button>
            </div>
            <input className="text small" aria-label={`${name}: ${t("help")}`} value={port.help ?? ""} placeholder={t("helpText")} onChange={(event) => dispatch({ type: `${type}/set`, name, help: event.target.value }, { merge: `${type}:${name}:help` })} />
            <span className="mono faint">{place}</span>
          </div>
        );
      })}
      {!names.length && <p className="empty">{t("none")}</p>}
    </section>
  );
}
