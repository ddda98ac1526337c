// Decides how a number is edited: typed (also as an expression), dragged sideways on its grip, by arrow keys, by the wheel while focused.

import { useEffect, useRef, useState } from "react";
import { calculate } from "../graph/expression";
import { Float, numberOf, type Json } from "../graph/json";
import { t } from "../text";
import { primitiveOf, type FieldProps } from "./Field";

const PIXELS_A_STEP = 4;

export function shownNumber(value: Json | undefined): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "bigint") return value.toString();
  const number = numberOf(value);
  return number === undefined ? String(value) : String(Number(number.toPrecision(12)));
}

/** A number as the document keeps it: floats stay floats, and whole numbers of any size are exact. */
export function writtenNumber(text: string, whole: boolean): Json | undefined {
  const trimmed = text.trim();
  if (whole && /^-?\d+$/.test(trimmed)) return Number.isSafeInteger(Number(trimmed)) ? Number(trimmed) : BigInt(trimmed);
  const found = calculate(trimmed);
  if (found === null) return undefined;
  return asKept(found, whole);
}

export function asKept(number: number, whole: boolean): Json {
  if (whole) return Math.round(number);
  return Number.isInteger(number) ? new Float(number) : Number(number.toPrecision(12));
}

export function NumberField({ field, label, value, change, id, invalid, described }: FieldProps) {
  const whole = primitiveOf(field) === "int";
  const step = field.range?.step ?? (whole ? 1 : 0.1);
  const shown = shownNumber(value);
  const [typed, setTyped] = useState<string | null>(null);
  const [bad, setBad] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const latest = useRef({ value, change });
  latest.current = { value, change };

  const bounded = (number: number) => {
    const { minimum, maximum } = field.range ?? {};
    return Math.max(minimum ?? -Infinity, Math.min(maximum ?? Infinity, number));
  };
  const by = (steps: number, from = numberOf(latest.current.value) ?? numberOf(field.default as Json) ?? 0) => {
    const rounded = Math.round((from + steps * step) / step) * step;
    latest.current.change(asKept(bounded(Number(rounded.toPrecision(12))), whole));
  };
  const take = () => {
    if (typed === null) return;
    const next = typed.trim() === "" && field.optional ? null : writtenNumber(typed, whole);
    if (next === undefined) return setBad(true);
    setTyped(null);
    setBad(false);
    if (shownNumber(next) !== shown) change(next);
  };

  useEffect(() => {
    const element = input.current!;
    const wheel = (event: WheelEvent) => {
      if (document.activeElement !== element) return;
      event.preventDefault();
      event.stopPropagation();
      setTyped(null);
      by(event.deltaY < 0 ? 1 : -1);
    };
    element.addEventListener("wheel", wheel, { passive: false });
    return () => element.removeEventListener("wheel", wheel);
  });

  const drag = (event: React.PointerEvent<HTMLSpanElement>) => {
    if (event.button !== 0) return;
    event.preventDefault();
    event.stopPropagation();
    const [startX, from] = [event.clientX, numberOf(value) ?? numberOf(field.default as Json) ?? 0];
    const grip = event.currentTarget;
    grip.setPointerCapture(event.pointerId);
    const move = (moved: PointerEvent) => by(Math.round((moved.clientX - startX) / PIXELS_A_STEP) * (moved.shiftKey ? 10 : 1), from);
    const end = () => {
      grip.removeEventListener("pointermove", move);
      grip.removeEventListener("pointerup", end);
      grip.removeEventListener("pointercancel", end);
    };
    grip.addEventListener("pointermove", move);
    grip.addEventListener("pointerup", end);
    grip.addEventListener("pointercancel", end);
  };

  return (
    <span className="number nodrag" data-invalid={invalid || bad || undefined}>
      <span className="grip" onPointerDown={drag} aria-hidden="true" title={t("dragToChange")} />
      <input
        ref={input}
        id={id}
        className="nodrag"
        inputMode="decimal"
        autoComplete="off"
        spellCheck={false}
        aria-label={label}
        aria-invalid={invalid || bad || undefined}
        aria-describedby={described}
        placeholder={field.optional ? t("automatic") : ""}
        value={typed ?? shown}
        onChange={(event) => {
          setTyped(event.target.value);
          setBad(false);
        }}
        onBlur={take}
        onKeyDown={(event) => {
          if (event.key === "Enter") take();
          if (event.key === "Escape" && typed !== null) {
            event.stopPropagation();
            setTyped(null);
            setBad(false);
          }
          if (event.key === "ArrowUp" || event.key === "ArrowDown") {
            event.preventDefault();
            setTyped(null);
            by((event.key === "ArrowUp" ? 1 : -1) * (event.shiftKey ? 10 : 1));
          }
        }}
      />
      {field.range?.unit && <span className="unit">{field.range.unit}</span>}
    </span>
  );
}
