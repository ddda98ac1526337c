// Decides how frames and notes look. A note is Markdown, read without any script, style or address of its own that could do harm.

import { NodeResizer, type NodeProps } from "@xyflow/react";
import { memo, useEffect, useRef, useState } from "react";
import { dispatch } from "../state/app";
import { t } from "../text";
import type { GraphNode } from "./projection";

const resized = (type: "frame/set" | "note/set", id: string) => (_: unknown, box: { x: number; y: number; width: number; height: number }) =>
  dispatch({ type, id, change: { x: box.x, y: box.y, width: box.width, height: box.height } });

export const FrameView = memo(function FrameView({ data: { frame }, selected }: NodeProps<Extract<GraphNode, { type?: "frame" }>>) {
  const [typed, setTyped] = useState<string | null>(null);
  return (
    <div className="frame" data-colour={frame.colour || undefined} data-selected={selected || undefined}>
      <NodeResizer isVisible={selected} minWidth={120} minHeight={80} onResizeEnd={resized("frame/set", frame.id)} />
      <div className="frame-title" onDoubleClick={(event) => (event.stopPropagation(), setTyped(frame.title))}>
        {typed === null ? (
          frame.title || t("frame")
        ) : (
          <input
            autoFocus
            className="nodrag"
            aria-label={t("title")}
            value={typed}
            onChange={(event) => setTyped(event.target.value)}
            onBlur={() => {
              dispatch({ type: "frame/set", id: frame.id, change: { title: typed } });
              setTyped(null);
            }}
            onKeyDown={(event) => {
              event.stopPropagation();
              if (event.key === "Enter") event.currentTarget.blur();
              if (event.key === "Escape") setTyped(null);
            }}
          />
        )}
      </div>
    </div>
  );
});

export const NoteView = memo(function NoteView({ data: { note }, selected }: NodeProps<Extract<GraphNode, { type?: "note" }>>) {
  const [editing, setEditing] = useState(note.text === "");
  return (
    <div className="note" data-colour={note.colour || undefined} data-selected={selected || undefined} onDoubleClick={(event) => (event.stopPropagation(), setEditing(true))}>
      <NodeResizer isVisible={selected} minWidth={100} minHeight={60} onResizeEnd={resized("note/set", note.id)} />
      {editing ? (
        <textarea
          autoFocus
          className="nodrag nowheel"
          aria-label={t("note")}
          defaultValue={note.text}
          placeholder={t("noteHint")}
          onBlur={(event) => {
            dispatch({ type: "note/set", id: note.id, change: { text: event.target.value } });
            setEditing(false);
          }}
          onKeyDown={(event) => {
            event.stopPropagation();
            if (event.key === "Escape") event.currentTarget.blur();
          }}
        />
      ) : (
        <Markdown text={note.text || t("noteHint")} />
      )}
    </div>
  );
});

/** The readers of Markdown load when the first note is shown; until then, and without them, the text is plain. */
export function Markdown({ text }: { readonly text: string }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let gone = false;
    void import("./markdown").then(({ render }) => {
      if (!gone && box.current) box.current.replaceChildren(render(text));
    });
    return () => {
      gone = true;
    };
  }, [text]);
  return <div ref={box} className="markdown nowheel" />;
}
