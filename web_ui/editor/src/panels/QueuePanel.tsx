// Decides how the queue is shown and changed: what runs, what waits in which order, what became of earlier jobs.

import { useEffect, useState, type DragEvent, type LiHTMLAttributes } from "react";
import { api, picture } from "../api/client";
import type { Job } from "../api/types";
import { refreshQueue } from "../run/runs";
import { app, complain, useApp } from "../state/app";
import { openJob } from "../state/files";
import { t, type Key } from "../text";
import { Icon } from "../view/Icon";
import { Look } from "../view/Look";
import { moment, seconds } from "../view/format";
import { PanelHead } from "./PanelHead";

export function QueuePanel() {
  const queue = useApp((state) => state.queue);
  const [past, setPast] = useState<readonly Job[]>([]);
  const [held, setHeld] = useState<string | null>(null);
  const [gap, setGap] = useState<string | null>(null); // the job before which the held one would go; "" is the end
  const active = new Set(queue?.jobs.map((job) => job.id));
  useEffect(() => {
    let gone = false;
    api.jobs().then(({ jobs }) => !gone && setPast(jobs)).catch(complain);
    return () => {
      gone = true;
    };
  }, [queue]);
  useEffect(refreshQueue, []);
  const waiting = queue?.jobs.filter((job) => job.state !== "running") ?? [];
  const place = (id: string, before: string) => act(api.changeJob(id, { before }));
  /** What makes a waiting job's row one that is moved by hand. */
  const draggable = (at: number): LiHTMLAttributes<HTMLLIElement> & { "data-gap"?: "above" | "below" } => {
    const [job, next] = [waiting[at]!.id, waiting[at + 1]?.id ?? ""];
    return {
      draggable: true,
      "data-gap": gap === job ? "above" : gap === "" && next === "" ? "below" : undefined,
      onDragStart: (event) => (setHeld(job), event.dataTransfer.setData("text/plain", waiting[at]!.title)),
      onDragOver: (event) => {
        if (held === null) return;
        event.preventDefault();
        setGap(isInUpperHalf(event) ? job : next);
      },
      onDrop: (event) => {
        if (held === null) return;
        event.preventDefault();
        if (gap !== null && gap !== held) place(held, gap);
      },
      onDragEnd: () => (setHeld(null), setGap(null)),
    };
  };
  return (
    <aside className="side" aria-label={t("queue")}>
      <PanelHead title={t("queue")}>
        <button type="button" className="plain" aria-pressed={queue?.paused} onClick={() => void api.changeQueue(queue?.paused ? "resume" : "pause").then((next) => app.set({ queue: next }), complain)} title={t(queue?.paused ? "resume" : "pause")} aria-label={t(queue?.paused ? "resume" : "pause")}>
          <Icon name={queue?.paused ? "play" : "pause"} />
        </button>
        <button type="button" className="plain" disabled={!waiting.length} onClick={() => void api.changeQueue("clear").then((next) => app.set({ queue: next }), complain)} title={t("clearQueue")} aria-label={t("clearQueue")}>
          <Icon name="trash" />
        </button>
      </PanelHead>
      <div className="scroll">
        {queue?.paused && <p className="banner-line">{t("queuePaused")}</p>}
        {queue?.workers.map((worker) => (
          <p key={worker.device} className="worker"><span className="lamp" data-state={worker.state} /> {worker.device} · {t(`worker_${worker.state}` as Key)}</p>
        ))}
        <ul className="jobs">
          {queue?.jobs.filter((job) => !waiting.includes(job)).map((job) => <JobRow key={job.id} job={job} />)}
          {waiting.map((job, at) => (
            <JobRow
              key={job.id} job={job} row={draggable(at)}
              rise={at > 0 ? () => place(job.id, waiting[at - 1]!.id) : undefined}
              sink={at < waiting.length - 1 ? () => place(job.id, waiting[at + 2]?.id ?? "") : undefined}
            />
          ))}
          {!queue?.jobs.length && <li className="empty">{t("queueEmpty")}</li>}
        </ul>
        <h3 className="pad">{t("history")}</h3>
        <ul className="jobs">{past.filter((job) => !isOpen(job) && !active.has(job.id)).map((job) => <JobRow key={job.id} job={job} />)}</ul>
      </div>
    </aside>
  );
}

const act = (done: Promise<unknown>) => void done.then(refreshQueue, complain);

/** Whether it waits or runs: the history, asked for at another moment than the queue, tells of none of these. */
const isOpen = ({ state }: Job): boolean => state === "queued" || state === "running" || state === "interrupted";

const isInUpperHalf = ({ clientY, currentTarget }: DragEvent): boolean => {
  const { top, height } = currentTarget.getBoundingClientRect();
  return clientY < top + height / 2;
};

interface JobRowProps {
  readonly job: Job;
  readonly row?: LiHTMLAttributes<HTMLLIElement>;
  readonly rise?: () => void;
  readonly sink?: () => void;
}

function JobRow({ job, row, rise, sink }: JobRowProps) {
  const open = isOpen(job);
  const results = job.results ?? [];
  const took = job.started_at != null && job.ended_at != null ? seconds(job.ended_at - job.started_at) : "";
  return (
    <li className="job" data-state={job.state} {...row}>
      {results[0] ? (
        <button type="button" className="job-picture" onClick={() => app.set({ dialog: { kind: "viewer", results, at: 0 } })} aria-label={t("showResult", { title: job.title, number: 1 })}>
          <Look source={picture.thumbnail(results[0])} icon="gallery" />
        </button>
      ) : (
        <span className="job-picture"><Icon name={job.state === "failed" ? "warning" : job.state === "running" ? "bolt" : "clock"} /></span>
      )}
      <div className="job-text">
        <b>{job.title || t("untitled")}</b>
        <span className="faint">
          {t(`state_${job.state}` as Key)}
          {job.position != null && job.state !== "running" ? ` · ${job.position}.` : ""}
          {job.state === "running" && job.total ? ` · ${job.done}/${job.total}` : ""} · {took || moment(job.ended_at ?? job.created_at)}
        </span>
        {job.state === "running" && Boolean(job.total) && <span className="bar"><span style={{ transform: `scaleX(${(job.done ?? 0) / job.total!})` }} /></span>}
        {job.errors?.[0] && <span className="form-wrong">{job.errors[0].cause}</span>}
      </div>
      <div className="job-buttons">
        {rise && <button type="button" className="plain" onClick={rise} aria-label={t("moveUp", { name: job.title })}><Icon name="up" /></button>}
        {sink && <button type="button" className="plain" onClick={sink} aria-label={t("moveDown", { name: job.title })}><Icon name="down" /></button>}
        {open ? (
          <button type="button" className="plain" onClick={() => act(api.cancel(job.id))} aria-label={t("cancelNamed", { name: job.title })} title={t("actCancel")}><Icon name="close" /></button>
        ) : (
          <button type="button" className="plain" onClick={() => act(api.retry(job.id))} aria-label={t("retryNamed", { name: job.title })} title={t("retry")}><Icon name="retry" /></button>
        )}
        <button type="button" className="plain" onClick={() => void openJob(job.id)} aria-label={t("openWorkflowOf", { name: job.title })} title={t("openWorkflow")}><Icon name="open" /></button>
      </div>
    </li>
  );
}
