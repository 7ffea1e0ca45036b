// A dialog of the browser's own: it keeps the focus, and Escape closes it.
import { html, useEffect, useRef } from "../html.js";
import { t } from "../text.js";

export function Dialog({ title, close, children }) {
  const dialog = useRef(null);
  useEffect(() => dialog.current.showModal(), []);
  return html`
    <dialog ref=${dialog} onClose=${close} aria-label=${title}>
      <article>
        <header>
          <button aria-label=${t("close")} rel="prev" class="close" onClick=${() => dialog.current.close()}></button>
          <h2>${title}</h2>
        </header>
        ${children}
      </article>
    </dialog>`;
}
