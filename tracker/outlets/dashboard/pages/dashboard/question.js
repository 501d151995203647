/** A question before something is done. */

import { el } from "./dom.js";

/** @import {Child} from "./dom.js" */

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
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}
