/** A call's timeline as a bar: what was recorded, and what was not. */

import { el, setText } from "./dom.js";
import { STATES, STATE_WORDS, UNKNOWN_WORDS, age, say, time } from "./words.js";

/** @import {Json} from "../client/follower.js" */

/** @typedef {{state: string, from: number, to: number, item: Json}} Stretch */

export class TimelineBar {
  /** @type {Json | null} */
  #timeline = null;

  constructor() {
    this.bar = el("div", { class: "bar", role: "img" });
    this.from = el("span", {});
    this.to = el("span", {});
    this.totals = el("dl", { class: "totals" });
    this.list = el("ol", { class: "stretches" });
    this.element = el(
      "section",
      { class: "card timeline", "aria-labelledby": "timeline-title" },
      el("h2", { id: "timeline-title" }, "Timeline"),
      this.bar,
      el("div", { class: "scale" }, this.from, this.to),
      this.totals,
      el("details", {}, el("summary", {}, "Every stretch"), this.list),
    );
  }

  /**
   * @param {Json} timeline As `/v1/calls/…/timeline` answers.
   * @param {number} now
   */
  show(timeline, now) {
    this.#timeline = timeline;
    this.draw(now);
    const rows = stretches(timeline, now).map(({ item, state, from, to }) =>
      el(
        "li",
        {},
        el("i", { class: `dot ${state}`, "aria-hidden": "true" }),
        `${time(new Date(from).toISOString(), now)} `,
        el("strong", {}, say(STATE_WORDS, state)),
        ` ${item.to ? age(to - from) : "until now"} `,
        el("span", { class: "muted" }, why(item)),
      ),
    );
    this.list.replaceChildren(...rows);
  }

  /** The last stretch grows. @param {number} now */
  draw(now) {
    if (this.#timeline === null) return;
    const shown = stretches(this.#timeline, now);
    const total = shown.length ? shown[shown.length - 1].to - shown[0].from : 0;
    while (this.bar.children.length > shown.length) this.bar.lastElementChild?.remove();
    shown.forEach(({ state, from, to }, index) => {
      const part = /** @type {HTMLElement} */ (this.bar.children[index] ?? this.bar.appendChild(el("i")));
      part.className = state;
      part.style.flexGrow = String(Math.max(to - from, total / 400));
      part.title = `${say(STATE_WORDS, state)} ${age(to - from)}`;
    });
    const sums = sumsOf(shown);
    const said = STATES.filter((state) => sums[state] > 0).map((state) => `${say(STATE_WORDS, state)} ${age(sums[state])}`);
    this.bar.setAttribute("aria-label", `Timeline: ${said.join(", ") || "nothing yet"}`);
    setText(this.from, shown.length ? time(new Date(shown[0].from).toISOString(), now) : "");
    setText(this.to, shown.length ? time(new Date(shown[shown.length - 1].to).toISOString(), now) : "");
    this.#sum(sums);
  }

  /** @param {Record<string, number>} sums */
  #sum(sums) {
    if (!this.totals.children.length) {
      for (const state of STATES) {
        const mark = el("i", { class: `swatch ${state}`, "aria-hidden": "true" });
        this.totals.append(el("div", {}, el("dt", {}, mark, say(STATE_WORDS, state)), el("dd", {})));
      }
    }
    STATES.forEach((state, index) => {
      const value = this.totals.children[index].lastElementChild;
      if (value) setText(value, age(sums[state]));
    });
  }
}

/**
 * The closed stretches and the open one, up to *now*.
 *
 * @param {Json} timeline
 * @param {number} now
 * @returns {Stretch[]}
 */
export function stretches(timeline, now) {
  const items = timeline.open ? [...timeline.items, timeline.open] : timeline.items;
  return items.map((/** @type {Json} */ item) => {
    const from = Date.parse(item.from);
    return { state: item.state, from, to: item.to ? Date.parse(item.to) : Math.max(from, now), item };
  });
}

/**
 * What an ended call was until its end: its state after it is no part of the timeline.
 *
 * @param {Json} timeline
 * @returns {string} Empty = not known, or not ended.
 */
export function lastOf({ items, open }) {
  return (!open && items.at(-1)?.state) || "";
}

/**
 * Milliseconds in each state.
 *
 * @param {Stretch[]} shown
 */
function sumsOf(shown) {
  const sums = Object.fromEntries(STATES.map((state) => [state, 0]));
  for (const { state, from, to } of shown) sums[state] += to - from;
  return sums;
}

/** @param {Json} item */
function why({ unknown_reason, cause, evidence }) {
  if (unknown_reason) return UNKNOWN_WORDS[unknown_reason] ?? "";
  const by = { command: "by a command", platform: "by the platform", released: "the call was released" }[String(cause.by)];
  const seen = evidence === "read" ? "found by looking" : "";
  return [by, cause.reason?.replaceAll("_", " "), seen].filter(Boolean).join(", ");
}
