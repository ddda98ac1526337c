// Decides how one of several is chosen: a short fixed list by the browser's own control, what the server lists by a search and by looks.

import { useEffect, useRef, useState, type ComponentProps, type PointerEvent } from "react";
import { createPortal } from "react-dom";
import { api, picture } from "../api/client";
import type { Choices } from "../api/types";
import { t } from "../text";
import { Icon } from "../view/Icon";
import { isLong } from "../view/format";
import { Look } from "../view/Look";
import type { FieldProps } from "./Field";

export function ChoiceField(props: FieldProps) {
  const { field, value } = props;
  if (!field.choices?.length) return <ListedChoice {...props} />;
  const current = typeof value === "string" ? value : "";
  const options = field.choices.includes(current) ? field.choices : [current, ...field.choices];
  return props.large ? <Select {...props} current={current} options={options} /> : <SelectAtHand {...props} current={current} options={options} />;
}

interface SelectProps extends FieldProps {
  readonly current: string;
  readonly options: readonly string[];
}

function Select({ label, change, id, invalid, described, current, options, at }: SelectProps & { readonly at?: ComponentProps<"select"> }) {
  return (
    <select id={id} className="nodrag" aria-label={label} aria-invalid={invalid || undefined} aria-describedby={described} value={current} onChange={(event) => change(event.target.value)} {...at}>
      {options.map((option) => (
        <option key={option} value={option}>
          {option}
        </option>
      ))}
    </select>
  );
}

function openChoices(select: HTMLSelectElement | null): void {
  if (navigator.userActivation.isActive) select?.showPicker();
}

/** On a node the browser's own control is there only while the pointer or the focus is at it: Chromium lays the page out anew at each step by which one moves. */
function SelectAtHand(props: SelectProps) {
  const [by, setBy] = useState<"mouse" | "focus" | "click" | null>(null);
  if (by) {
    const leave = (event: PointerEvent<HTMLSelectElement>) => event.currentTarget !== document.activeElement && setBy(null);
    return <Select {...props} at={{ className: "short-choice nodrag", autoFocus: by !== "mouse", onBlur: () => setBy(null), onPointerLeave: leave, ref: by === "click" ? openChoices : undefined }} />;
  }
  return (
    <button
      id={props.id}
      type="button"
      role="combobox"
      className="short-choice nodrag"
      aria-haspopup="listbox"
      aria-expanded={false}
      aria-label={props.label}
      aria-invalid={props.invalid || undefined}
      onPointerEnter={(event) => event.pointerType === "mouse" && !event.buttons && setBy("mouse")}
      onMouseDown={(event) => event.preventDefault()} // which would give it the focus: a finger's click would miss what then stands here
      onClick={() => setBy("click")}
      onFocus={() => setBy("focus")}
    >
      <span className="choice-text" data-long={isLong(props.current)}>{props.current}</span>
    </button>
  );
}

function ListedChoice({ field, label, value, change, id, invalid, nodeType }: FieldProps) {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const shown = typeof value === "string" ? value : "";
  return (
    <>
      <button
        ref={button}
        id={id}
        type="button"
        className="choice nodrag"
        aria-haspopup="listbox"
        aria-expanded={open}
        aria-label={`${label}: ${shown || t("choose")}`}
        data-invalid={invalid || undefined}
        onClick={() => setOpen(!open)}
      >
        <span className="choice-text" data-long={isLong(shown)}>{shown || t("choose")}</span>
        <Icon name="down" />
      </button>
      {open && button.current && (
        <ChoiceList
          anchor={button.current}
          nodeType={nodeType}
          input={field.name}
          pictures={field.choice_of === "picture"}
          current={shown}
          label={label}
          close={() => {
            setOpen(false);
            button.current?.focus();
          }}
          choose={(found) => {
            change(found);
            setOpen(false);
            button.current?.focus();
          }}
        />
      )}
    </>
  );
}

interface ListProps {
  readonly anchor: HTMLElement;
  readonly nodeType: string;
  readonly input: string;
  readonly pictures: boolean;
  readonly current: string;
  readonly label: string;
  readonly close: () => void;
  readonly choose: (value: string) => void;
}

const ROOM = 340;

export function ChoiceList({ anchor, nodeType, input, pictures, current, label, close, choose }: ListProps) {
  const [all, setAll] = useState<Choices | null>(null);
  const [failed, setFailed] = useState("");
  const [search, setSearch] = useState("");
  const [at, setAt] = useState(0);
  const box = useRef<HTMLElement>(null);
  useEffect(() => {
    let gone = false;
    api.choices(nodeType, input).then(
      (found) => !gone && (setAll(found), setAt(Math.max(0, found.choices.indexOf(current)))),
      (error: Error) => !gone && setFailed(error.message),
    );
    return () => {
      gone = true;
    };
  }, [nodeType, input, current]);
  useEffect(() => {
    const outside = (event: globalThis.PointerEvent) => !box.current?.contains(event.target as Node) && !anchor.contains(event.target as Node) && close();
    document.addEventListener("pointerdown", outside, true);
    return () => document.removeEventListener("pointerdown", outside, true);
  });
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = (all?.choices ?? []).filter((one) => words.every((word) => one.toLowerCase().includes(word)));
  const chosen = Math.min(at, found.length - 1);
  const shownBy = pictures ? picture.inputThumbnail : (option: string) => (all?.pictures?.includes(option) ? picture.choiceThumbnail(nodeType, input, option) : undefined);
  const looks = pictures || Boolean(all?.pictures?.length);
  useEffect(() => {
    void box.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: "nearest" });
  }, [chosen, found.length]);
  const { left, bottom, top, width } = anchor.getBoundingClientRect();
  const above = innerHeight - bottom < ROOM && top > innerHeight - bottom;
  const wide = Math.max(260, width);
  const style = { left: Math.max(8, Math.min(left, innerWidth - wide - 8)), width: wide, ...(above ? { bottom: innerHeight - top + 4 } : { top: bottom + 4 }) };
  return createPortal(
    <section ref={box} className="popup choices" style={style} aria-label={label}>
      <input
        autoFocus
        className="text"
        role="combobox"
        aria-expanded="true"
        aria-controls="choice-list"
        aria-activedescendant={found.length ? `choice-${chosen}` : undefined}
        aria-label={`${label}: ${t("search")}`}
        placeholder={t("search")}
        value={search}
        onChange={(event) => {
          setSearch(event.target.value);
          setAt(0);
        }}
        onKeyDown={(event) => {
          event.stopPropagation();
          if (event.key === "ArrowDown") setAt(Math.min(found.length - 1, chosen + 1));
          else if (event.key === "ArrowUp") setAt(Math.max(0, chosen - 1));
          else if (event.key === "Enter" && found[chosen] !== undefined) choose(found[chosen]);
          else if (event.key === "Escape" || event.key === "Tab") close();
          else return;
          event.preventDefault();
        }}
      />
      <div role="listbox" id="choice-list" className={pictures ? "choice-pictures" : "choice-list"} data-looks={looks || undefined} aria-label={label}>
        {found.map((option, index) => (
          <div key={option} id={`choice-${index}`} role="option" aria-selected={index === chosen} className="option" onPointerEnter={() => setAt(index)} onClick={() => choose(option)}>
            {looks && <Look source={shownBy(option)} icon="gallery" />}
            <span>{option}</span>
          </div>
        ))}
      </div>
      {(failed || (all && !found.length)) && <p className="empty">{failed || t("nothingFound")}</p>}
    </section>,
    document.body,
  );
}
