import DOMPurify from "dompurify";
import { Marked } from "marked";

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

const marked = new Marked({ async: false, gfm: true, breaks: true, renderer: { html: ({ text }) => escaped(text) } });

const ALLOWED = ["p", "br", "strong", "em", "del", "code", "pre", "ul", "ol", "li", "blockquote", "a", "h1", "h2", "h3", "h4", "table", "thead", "tbody", "tr", "th", "td", "hr"];

DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName !== "A") return;
  node.setAttribute("rel", "noopener nofollow");
  node.setAttribute("target", "_blank");
});

/** Makes nodes of Markdown that somebody else wrote: no images, no raw HTML, nothing loaded, links to the web and to mail. */
export function render(text: string): DocumentFragment {
  return DOMPurify.sanitize(marked.parse(text) as string, {
    ALLOWED_TAGS: ALLOWED,
    ALLOWED_ATTR: ["href"],
    ALLOWED_URI_REGEXP: /^(?:https?:|mailto:)/i,
    RETURN_DOM_FRAGMENT: true,
  });
}
