// Decides how something looks in a list: its picture, or a plain sign where there is none that can be shown.

import { useState } from "react";
import { Icon, type IconName } from "./Icon";

export function Look({ source, icon }: { readonly source?: string; readonly icon: IconName }) {
  const [failed, setFailed] = useState("");
  if (source && failed !== source) return <img src={source} alt="" loading="lazy" onError={() => setFailed(source)} />;
  return <span className="look" aria-hidden="true"><Icon name={icon} /></span>;
}
