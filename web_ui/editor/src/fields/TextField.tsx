// Decides how texts are edited. In a text of several lines Ctrl+Up and Ctrl+Down weigh the words at the caret: (cat:1.1).

import { useLayoutEffect, useRef } from "react";
import { weighted } from "../graph/expression";
import { Float, numberOf, parse, stringify, type Json } from "../graph/json";
import { t } from "../text";
import { primitiveOf, type FieldProps } from "./Field";

const WEIGHT_STEP = 0.1;

export function TextField({ field, label, value, change, id, invalid, described, large }: FieldProps) {
  const area = useRef<HTMLTextAreaElement>(null);
  const caret = useRef<[number, number] | null>(null);
  useLayoutEffect(() => {
    if (caret.current && area.current) area.current.setSelectionRange(...caret.current);
    caret.current = null;
  });
  const shown = typeof value === "string" ? value : value === null || value === undefined ? "" : stringify(value);
  const common = { id, "aria-label": label, "aria-invalid": invalid || undefined, "aria-describedby": described, spellCheck: false, placeholder: field.optional ? t("automatic") : "" };
  if (!field.multiline) {
    return <input {...common} className="text nodrag" autoComplete="off" value={shown} onChange={(event) => change(event.target.value)} />;
  }
  return (
    <textarea
      {...common}
      ref={area}
      className="text nodrag nowheel nopan"
      rows={large ? 4 : undefined}
      value={shown}
      onChange={(event) => change(event.target.value)}
      onKeyDown={(event) => {
        if (!(event.ctrlKey || event.metaKey) || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
        event.preventDefault();
        const { selectionStart, selectionEnd } = event.currentTarget;
        const next = weighted(shown, selectionStart, selectionEnd, event.key === "ArrowUp" ? WEIGHT_STEP : -WEIGHT_STEP);
        caret.current = [next.from, next.to];
        change(next.text);
      }}
    />
  );
}

/** A list of plain values, one a line; anything else as JSON. */
export function ListField({ field, label, value, change, id, invalid, described }: FieldProps) {
  const item = field.type.kind === "list" ? primitiveOf({ ...field, type: field.type.item ?? field.type }) : "";
  const lines = item !== "" && (value === null || value === undefined || (Array.isArray(value) && value.every((one) => !String(one).includes("\n"))));
  const shown = !lines ? (value === undefined ? "" : stringify(value)) : Array.isArray(value) ? value.map((one) => (numberOf(one as Json) ?? one) as string).join("\n") : "";
  const read = (text: string): Json => {
    if (!lines) {
      try {
        return parse(text);
      } catch {
        return text;
      }
    }
    if (!text && field.optional) return null;
    const rows = text.split("\n");
    if (item === "text") return rows;
    return rows.filter((row) => row.trim()).map((row) => (Number.isFinite(Number(row)) ? (item === "float" && Number.isInteger(Number(row)) ? new Float(Number(row)) : Number(row)) : row));
  };
  return <textarea id={id} className="text nodrag nowheel" rows={4} aria-label={label} aria-invalid={invalid || undefined} aria-describedby={described} placeholder={lines ? t("oneALine") : "JSON"} defaultValue={shown} onBlur={(event) => event.target.value !== shown && change(read(event.target.value))} />;
}
