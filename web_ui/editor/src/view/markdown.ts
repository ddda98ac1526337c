// Decides what of a note's Markdown reaches the page: text, lists, tables, links to the web; no script, no style, no picture from elsewhere.

import DOMPurify from "dompurify";
import { marked } from "marked";

const TAGS = ["p", "br", "b", "strong", "i", "em", "del", "s", "code", "pre", "ul", "ol", "li", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "hr", "a", "table", "thead", "tbody", "tr", "th", "td"];

export function render(text: string): DocumentFragment {
  const html = marked.parse(text.slice(0, 20_000), { async: false, gfm: true, breaks: true });
  const clean = DOMPurify.sanitize(html, { ALLOWED_TAGS: TAGS, ALLOWED_ATTR: ["href", "title"], ALLOWED_URI_REGEXP: /^https?:/i, RETURN_DOM_FRAGMENT: true });
  for (const link of clean.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
  }
  return clean;
}
