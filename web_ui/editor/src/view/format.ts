// Decides how names, times and sizes are written for people.

import { language } from "../text";

export { humanName } from "../text";

/** What is wrong, and what to do next. */
export const wholeTold = ({ cause, action }: { readonly cause: string; readonly action?: string }): string => (action ? `${cause} ${action}` : cause);

/** Whether a name may be too long for its row of a node: only such are clipped. */
export const isLong = (name: string): true | undefined => name.length > 11 || undefined;

export function seconds(value: number | null | undefined): string {
  if (value == null) return "";
  const format = (number: number, digits: number) => number.toLocaleString(language(), { maximumFractionDigits: digits });
  if (value < 0.1) return `${format(value * 1000, 0)} ms`;
  if (value < 60) return `${format(value, value < 10 ? 1 : 0)} s`;
  return `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`;
}

export function bytes(value: number | null | undefined): string {
  if (value == null) return "";
  const units = ["B", "kB", "MB", "GB"];
  const power = Math.min(3, Math.floor(Math.log10(Math.max(1, value)) / 3));
  return `${(value / 1000 ** power).toLocaleString(language(), { maximumFractionDigits: power ? 1 : 0 })} ${units[power]}`;
}

export function moment(at: number | null | undefined): string {
  if (at == null) return "";
  const date = new Date(at * 1000);
  const today = date.toDateString() === new Date().toDateString();
  return date.toLocaleString(language(), today ? { timeStyle: "short" } : { dateStyle: "short", timeStyle: "short" });
}
