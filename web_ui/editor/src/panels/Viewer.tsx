// Decides how a picture is looked at: whole or closely, beside another under a slider, with what it was made from.

import { useEffect, useState } from "react";
import { api, picture } from "../api/client";
import type { ResultDetail } from "../api/types";
import { complain } from "../state/app";
import { openResult, saveBlob } from "../state/files";
import { t } from "../text";
import { Icon } from "../view/Icon";
import { bytes, moment } from "../view/format";
import { DialogFrame } from "./DialogFrame";
import { useZooming } from "./zooming";

export function Viewer({ results, start, compare }: { readonly results: readonly string[]; readonly start: number; readonly compare?: string }) {
  const [at, setAt] = useState(Math.min(start, results.length - 1));
  const [detail, setDetail] = useState<ResultDetail | null>(null);
  const [other, setOther] = useState(compare);
  const [split, setSplit] = useState(50);
  const zooming = useZooming({ width: detail?.width || 1, height: detail?.height || 1 }, { drags: true });
  const { showWhole } = zooming;
  const id = results[at]!;
  useEffect(() => {
    let gone = false;
    showWhole();
    api.result(id).then((found) => !gone && setDetail(found), complain);
    return () => {
      gone = true;
    };
  }, [id, showWhole]);
  const step = (by: number) => setAt((at + by + results.length) % results.length);
  const copyPicture = async () => {
    try {
      const blob = await (await fetch(picture.full(id))).blob();
      await navigator.clipboard.write([new ClipboardItem({ [blob.type]: blob })]);
    } catch (error) {
      complain(error);
    }
  };
  const place = zooming.at;
  const style = place && detail?.width && detail.height ? { left: place.x, top: place.y, width: detail.width * place.scale, height: detail.height * place.scale, imageRendering: place.scale > 2 ? ("pixelated" as const) : ("auto" as const) } : { opacity: 0 };
  return (
    <DialogFrame title={detail?.title || detail?.file || t("picture")} className="viewer">
      <div
        className="stage"
        ref={zooming.table}
        tabIndex={0}
        role="group"
        aria-label={t("pictureKeys")}
        {...zooming.on}
        onDoubleClick={zooming.turn}
        onKeyDown={(event) => {
          if (event.key === "ArrowRight") step(1);
          else if (event.key === "ArrowLeft") step(-1);
          else if (!zooming.key(event)) return;
          event.preventDefault();
        }}
      >
        <img src={picture.full(id)} alt={detail?.prompt || detail?.file || t("picture")} style={style} draggable={false} />
        {other && other !== id && (
          <>
            <img src={picture.full(other)} alt={t("comparedWith")} style={{ ...style, clipPath: `inset(0 0 0 ${split}%)` }} draggable={false} className="over" />
            <input type="range" className="compare-range" min={0} max={100} value={split} onChange={(event) => setSplit(Number(event.target.value))} aria-label={t("compare")} />
          </>
        )}
        {results.length > 1 && !other && (
          <>
            <button type="button" className="turn before" onClick={() => step(-1)} aria-label={t("previous")}>‹</button>
            <button type="button" className="turn after" onClick={() => step(1)} aria-label={t("next")}>›</button>
          </>
        )}
      </div>
      <aside className="viewer-facts">
        <dl>
          {detail?.prompt && (<><dt>{t("prompt")}</dt><dd>{detail.prompt}</dd></>)}
          {detail?.seed != null && (<><dt>{t("seed")}</dt><dd className="mono">{String(detail.seed)}</dd></>)}
          {detail?.model && (<><dt>{t("model")}</dt><dd>{detail.model}</dd></>)}
          {detail?.width && (<><dt>{t("size")}</dt><dd>{detail.width} × {detail.height} · {bytes(detail.size_bytes)}</dd></>)}
          {detail && (<><dt>{t("made")}</dt><dd>{moment(detail.created_at)}</dd></>)}
        </dl>
        <div className="button-column">
          <button type="button" className="strong" onClick={() => void openResult(id)}><Icon name="open" /> {t("openWorkflow")}</button>
          <button type="button" onClick={() => void fetch(picture.full(id)).then((answer) => answer.blob()).then((blob) => saveBlob(blob, detail?.file.split("/").pop() || "picture.png")).catch(complain)}><Icon name="download" /> {t("actDownloadPicture")}</button>
          <button type="button" onClick={() => void copyPicture()}>{t("copyPicture")}</button>
          {results.length > 1 && <button type="button" aria-pressed={Boolean(other)} onClick={() => setOther(other ? undefined : results[(at + 1) % results.length])}>{t("compare")}</button>}
          <button type="button" aria-pressed={detail?.favourite} onClick={() => detail && void api.favour(id, !detail.favourite).then(setDetail, complain)}><Icon name="star" /> {t("favourite")}</button>
        </div>
      </aside>
    </DialogFrame>
  );
}

