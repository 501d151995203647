/** Short messages that come and go; a screen reader says them. */

import { el } from "./dom.js";

const SHOWN_MS = 8_000;

const shelf = el("div", { class: "notices", role: "status" });

/**
 * Say *text*.
 *
 * @param {string} text
 * @param {"good" | "bad" | ""} [mood]
 */
export function notice(text, mood = "") {
  if (!shelf.isConnected) document.body.append(shelf);
  const shown = el("p", { class: `notice ${mood}` }, text);
  shelf.append(shown);
  setTimeout(() => shown.remove(), SHOWN_MS);
}
