// Decides how a colour is edited: picked in the browser's own picker, or written as a name or as #rrggbb.

import { t } from "../text";
import type { FieldProps } from "./Field";

/** What the server reads and a browser does not. */
const OTHER_FORM = /^hs[vb]\(/i;
const FULL = /^#[0-9a-f]{6}$/i;

let pen: CanvasRenderingContext2D | null = null;

/** A colour as #rrggbb; null for a text that is none to a browser. */
export function hexOf(text: string): string | null {
  if (FULL.test(text)) return text.toLowerCase();
  if (!CSS.supports("color", text)) return null;
  pen ??= document.createElement("canvas").getContext("2d");
  if (!pen) return null;
  pen.fillStyle = text;
  const found = String(pen.fillStyle);
  return FULL.test(found) ? found : null;
}

export const isColour = (text: string): boolean => OTHER_FORM.test(text) || hexOf(text) !== null;

export function ColourField({ field, label, value, change, id, invalid, described }: FieldProps) {
  const text = typeof value === "string" ? value : "";
  const hex = hexOf(text.trim());
  return (
    <span className="colour nodrag" data-invalid={invalid || undefined}>
      <input type="color" value={hex ?? "#000000"} data-none={hex === null || undefined} aria-label={`${label}: ${t("pickColour")}`} title={t("pickColour")} onChange={(event) => change(event.target.value)} />
      <input id={id} className="text" autoComplete="off" spellCheck={false} aria-label={label} aria-invalid={invalid || undefined} aria-describedby={described} placeholder={field.optional ? t("automatic") : "#rrggbb"} value={text} onChange={(event) => change(event.target.value)} />
    </span>
  );
}
