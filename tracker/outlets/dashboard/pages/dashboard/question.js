/** A question before something is done. */

import { el } from "./dom.js";

/** @import {Child} from "./dom.js" */

/** @type {Set<HTMLDialogElement>} */
const open = new Set();

/** Close what is asked, as *Cancel* does: it was of what is no longer shown. */
export function closeQuestions() {
  for (const dialog of open) dialog.close("");
}

/**
 * Ask; *action* is the word on the button that says yes.
 *
 * @param {string} title
 * @param {string} action
 * @param {string} look Of that button.
 * @param {...Child} content
 * @returns {Promise<boolean>}
 */
export function asked(title, action, look, ...content) {
  const cancel = el("button", { type: "button", onclick: () => dialog.close("") }, "Cancel");
  const yes = el("button", { value: "yes", class: look }, action);
  const dialog = el(
    "dialog",
    { class: "question", "aria-labelledby": "question-title" },
    el(
      "form",
      { method: "dialog" },
      el("h2", { id: "question-title" }, title),
      ...content,
      el("div", { class: "buttons" }, cancel, yes),
    ),
  );
  document.body.append(dialog);
  open.add(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      open.delete(dialog);
      resolve(dialog.returnValue === "yes");
    });
  });
}
