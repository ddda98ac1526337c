// Decides how the editor hears of what happens: one WebSocket, taken up again after a break from the last event it saw.

import { heard } from "../text";
import { address, api } from "./client";
import type { EventInfo, Progress } from "./types";

export interface Preview {
  readonly kind: "preview";
  readonly job: string;
  readonly node: string;
  readonly picture: Blob;
}

export type Connection = "connecting" | "open" | "lost";

export interface Listener {
  event(event: EventInfo): void;
  progress(progress: Progress): void;
  preview(preview: Preview): void;
  connection(state: Connection): void;
}

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;

/** Listens until the returned function is called. `begin` is where to go on from; without it, from now. */
export function listen(listener: Listener, begin?: number): () => void {
  let cursor = begin;
  let wait = FIRST_WAIT_MS;
  let socket: WebSocket | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;

  const again = () => {
    if (stopped) return;
    listener.connection("lost");
    timer = setTimeout(open, wait * (0.8 + 0.4 * Math.random()));
    wait = Math.min(LONGEST_WAIT_MS, wait * 2);
  };
  const open = async () => {
    try {
      cursor ??= (await api.now()).cursor;
    } catch {
      return again();
    }
    if (stopped) return;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    socket = new WebSocket(`${scheme}://${location.host}${address("events/socket")}?after=${cursor}&previews=1`);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      wait = FIRST_WAIT_MS;
      listener.connection("open");
    };
    socket.onmessage = ({ data }: MessageEvent<string | ArrayBuffer>) => {
      if (typeof data !== "string") return decoded(data, listener);
      const message = heard<EventInfo | Progress>(JSON.parse(data));
      if (message.kind === "progress") return listener.progress(message as Progress);
      cursor = Math.max(cursor ?? 0, (message as EventInfo).cursor);
      listener.event(message as EventInfo);
    };
    socket.onclose = again;
  };
  const online = () => {
    if (socket?.readyState === WebSocket.OPEN || stopped) return;
    clearTimeout(timer);
    socket?.close();
    wait = FIRST_WAIT_MS;
  };
  addEventListener("online", online);
  listener.connection("connecting");
  void open();
  return () => {
    stopped = true;
    clearTimeout(timer);
    removeEventListener("online", online);
    socket?.close();
  };
}

function decoded(data: ArrayBuffer, listener: Listener): void {
  const length = new DataView(data).getUint32(0);
  const header = JSON.parse(new TextDecoder().decode(data.slice(4, 4 + length))) as { kind: string; job: string; node: string; media_type: string };
  if (header.kind !== "preview" || !header.media_type.startsWith("image/")) return;
  listener.preview({ kind: "preview", job: header.job, node: header.node, picture: new Blob([data.slice(4 + length)], { type: header.media_type }) });
}

