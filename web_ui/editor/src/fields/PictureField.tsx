// Decides how a picture is given to a workflow: uploaded, pasted, dropped or chosen among those that are there.

import { useRef, useState } from "react";
import { api, picture } from "../api/client";
import { complain } from "../state/app";
import { pickFile } from "../state/files";
import { t } from "../text";
import { Icon } from "../view/Icon";
import { ChoiceList } from "./ChoiceField";
import { paint } from "./painting";
import type { FieldProps } from "./Field";

export async function uploaded(file: Blob): Promise<string | null> {
  try {
    return (await api.upload(file)).name;
  } catch (error) {
    complain(error);
    return null;
  }
}

export const pictureIn = (data: DataTransfer | null): File | undefined => [...(data?.files ?? [])].find((file) => file.type.startsWith("image/"));

export function PictureField({ field, label, value, change, id, nodeType, node }: FieldProps) {
  const [open, setOpen] = useState(false);
  const [over, setOver] = useState(false);
  const [busy, setBusy] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const name = typeof value === "string" ? value : "";
  const put = async (file: Blob | null | undefined) => {
    if (!file) return;
    setBusy(true);
    const found = await uploaded(file);
    setBusy(false);
    if (found) change(found);
  };
  return (
    <div
      className="picture nodrag"
      data-over={over || undefined}
      data-busy={busy || undefined}
      onPaste={(event) => {
        const file = pictureIn(event.clipboardData);
        if (!file) return;
        event.preventDefault();
        event.stopPropagation();
        void put(file);
      }}
      onDragOver={(event) => {
        if (![...event.dataTransfer.types].includes("Files")) return;
        event.preventDefault();
        event.stopPropagation();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        setOver(false);
        const file = pictureIn(event.dataTransfer);
        if (!file) return;
        event.preventDefault();
        event.stopPropagation();
        void put(file);
      }}
    >
      <button ref={button} id={id} type="button" className="choice" aria-haspopup="listbox" aria-expanded={open} aria-label={`${label}: ${name || t("choose")}`} onClick={() => setOpen(!open)}>
        <span className="choice-text">{name || t("choose")}</span>
        <Icon name="down" />
      </button>
      <button type="button" className="inline" onClick={() => void pickFile("image/*").then(put)} title={t("uploadPicture")} aria-label={`${label}: ${t("uploadPicture")}`}>
        <Icon name="upload" />
      </button>
      {node && name && (
        <button type="button" className="inline" onClick={() => paint({ node, input: field.name, name })} title={t("paintMask")} aria-label={`${label}: ${t("paintMask")}`}>
          <Icon name="brush" />
        </button>
      )}
      <div className="picture-shown">{name ? <img src={picture.inputThumbnail(name)} alt={name} draggable={false} /> : <span>{t("dropPicture")}</span>}</div>
      {open && button.current && (
        <ChoiceList anchor={button.current} nodeType={nodeType} input={field.name} pictures current={name} label={label} close={() => setOpen(false)} choose={(found) => (change(found), setOpen(false))} />
      )}
    </div>
  );
}
