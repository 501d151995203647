/** The stored recordings of a call, with a player. */

import { el } from "./dom.js";
import { age, size, time } from "./words.js";

/** @import {Json} from "../client/follower.js" */
/** @import {Desk} from "./desk.js" */

export class MediaList {
  /** @type {Map<string, HTMLElement>} By key. */
  #shown = new Map();
  /** @type {string[]} */
  #urls = [];

  /** @param {Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.none = el("p", { class: "muted" }, "No stored recording is known yet.");
    this.list = el("ul", { class: "media" });
    this.element = el(
      "section",
      { class: "card", "aria-labelledby": "media-title" },
      el("h2", { id: "media-title" }, "Stored recordings"),
      this.none,
      this.list,
    );
  }

  /** @param {Json} call */
  show(call) {
    for (const key of call.media) {
      if (this.#shown.has(key)) continue;
      const item = el("li", {}, "Reading …");
      this.#shown.set(key, item);
      this.list.append(item);
      this.#read(key, item);
    }
    this.none.hidden = this.#shown.size > 0;
  }

  close() {
    for (const url of this.#urls) URL.revokeObjectURL(url);
  }

  /** @param {string} key @param {HTMLElement} item */
  async #read(key, item) {
    try {
      const media = await (await this.desk.tracker.ask(`recordings/${key}`)).json();
      item.replaceChildren(
        el("span", { class: "name" }, media.file_name ?? media.key.split("/")[2]),
        el("span", { class: "muted" }, described(media, this.desk.now)),
        media.audio === "ready" ? this.#loader(key) : el("span", { class: "muted" }, `audio: ${media.audio}`),
      );
    } catch (error) {
      item.replaceChildren(el("span", { class: "muted" }, error instanceof Error ? error.message : String(error)));
    }
  }

  /** The audio needs the token, so the page fetches it. @param {string} key */
  #loader(key) {
    const button = el("button", { type: "button" }, "Listen");
    button.addEventListener("click", async () => {
      button.disabled = true;
      button.textContent = "Loading …";
      try {
        const answer = await this.desk.tracker.ask(`recordings/${key}/audio`);
        const url = URL.createObjectURL(await answer.blob());
        this.#urls.push(url);
        const player = el("audio", { controls: true, src: url, "aria-label": "Recording" });
        button.replaceWith(player);
        player.focus();
      } catch (error) {
        button.disabled = false;
        button.textContent = `Listen (${error instanceof Error ? error.message : error})`;
      }
    });
    return button;
  }
}

/** @param {Json} media @param {number} now */
function described({ started_at, duration_ms, size_bytes, kind }, now) {
  const long = duration_ms === null || duration_ms === undefined ? "" : age(duration_ms);
  return [String(kind).replaceAll("_", " "), time(started_at, now), long, size_bytes && size(size_bytes)].filter(Boolean).join(" · ");
}
