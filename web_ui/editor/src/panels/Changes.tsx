// Decides how differences are told in words: by node, each with what it was and what it is. It is all that a screen reader needs.

import { pathOf, type Comparison, type Difference } from "../graph/compare";
import { nodesOf, own, workflowAt, type Scope } from "../graph/document";
import { Float, stringify, type Json } from "../graph/json";
import { shapeOf } from "../graph/catalogue";
import { app } from "../state/app";
import { t, type Key } from "../text";
import { humanName } from "../view/format";

interface Group {
  readonly scope: Scope;
  readonly node?: string;
  readonly all: Difference[];
}

/** `go` leads to a node in the graph, where one is shown. */
export function Changes({ comparison, go }: { readonly comparison: Comparison; readonly go?: (scope: Scope, node: string) => void }) {
  const { differences, layout } = comparison;
  if (!differences.length) return <p className="empty" role="status">{t(layout ? "onlyLayout" : "noDifference")}</p>;
  const groups = new Map<string, Group>();
  for (const one of differences) {
    const key = JSON.stringify([one.scope, one.node ?? null]);
    const group = groups.get(key) ?? { scope: one.scope, node: one.node, all: [] };
    groups.set(key, group);
    group.all.push(one);
  }
  const count = (kind: string) => differences.filter((one) => one.kind === kind).length;
  return (
    <div className="changes">
      <p role="status">{t("differences", { added: count("added"), removed: count("removed"), changed: count("changed") })}</p>
      <ul>
        {[...groups].sort(([, one], [, other]) => Number(one.node === undefined) - Number(other.node === undefined) || one.scope.length - other.scope.length).map(([key, group]) => {
          const title = titleOf(comparison, group);
          const whole = group.node !== undefined && group.all.find((one) => one.part === "");
          return (
            <li key={key} data-kind={whole ? whole.kind : "changed"}>
              {go && group.node !== undefined ? <button type="button" className="linklike" onClick={() => go(group.scope, group.node!)}>{title}</button> : <b>{title}</b>}
              {whole ? <KindWord kind={whole.kind} /> : (
                <ul>
                  {group.all.map((one) => <li key={`${one.part}.${one.name}`}>{labelOf(one)} <KindWord kind={one.kind} />{one.part !== "definitions" && <> <Change of={one} /></>}</li>)}
                </ul>
              )}
            </li>
          );
        })}
      </ul>
    </div>
  );
}

export function KindWord({ kind }: { readonly kind: Difference["kind"] }) {
  return <span className="badge kind" data-kind={kind}>{t(`kind_${kind}` as Key)}</span>;
}

/** What it was, what it is. */
export function Change({ of }: { readonly of: Pick<Difference, "kind" | "before" | "after"> }) {
  return (
    <span className="change">
      {of.kind !== "added" && <del><span className="unseen">{t("was")} </span>{written(of.before)}</del>}
      {of.kind === "changed" && <span aria-hidden="true"> → </span>}
      {of.kind !== "removed" && <ins><span className="unseen"> {t("isNow")} </span>{written(of.after)}</ins>}
    </span>
  );
}

export function written(value: Json | undefined): string {
  if (value === undefined) return t("nothingThere");
  if (typeof value === "string") return value || "“”";
  if (Array.isArray(value) && value.every((one) => typeof one === "string")) return value.join(", ");
  return value !== null && typeof value === "object" && !(value instanceof Float) ? stringify(value).replace(/\n\s*/g, " ") : stringify(value);
}

export function labelOf({ part, name }: Pick<Difference, "part" | "name">): string {
  if (part === "values") return humanName(name);
  const known: readonly string[] = ["definitions", "description", "inputs", "links", "mode", "name", "outputs", "over", "requires", "state", "title", "type", "version"];
  const word = known.includes(part) ? t(`part_${part}` as Key) : humanName(part);
  return name ? `${word}: ${humanName(name)}` : word;
}

function titleOf(comparison: Comparison, { scope, node }: Group): string {
  const { document } = comparison;
  const inner = workflowAt(document, scope);
  const within = scope.length ? `${pathOf(comparison, scope)} / ` : "";
  if (node === undefined) return `${within}${t("wholeWorkflow")}`;
  const entry = inner && own(nodesOf(inner), node);
  const title = entry && (entry.title || shapeOf(document, scope, entry, app.get().catalogue).title);
  return `${within}${title && title !== node ? `${title} (${node})` : node}`;
}
