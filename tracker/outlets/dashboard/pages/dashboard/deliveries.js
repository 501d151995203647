/** An endpoint's newest deliveries, and the attempts of each. */

import { el, setAttribute, setText } from "./dom.js";
import { KeyedList } from "./keyed.js";
import { notice } from "./notices.js";
import { sentenceOf } from "./poll.js";
import { decoded, say, time } from "./words.js";

/** @import {Json} from "../client/follower.js" */
/** @import {Desk} from "./desk.js" */

const STEP = 50;
const MOST = 1000; // what the server tells at once
const ANSWER_CHARS = 200;
const TEST = "tracker.webhook.test";
const HEADS = ["When", "Status", "Took", "Answer"];

/** @type {Record<string, string>} */
const STATUS_WORDS = { owed: "Owed", delivered: "Delivered", failed: "Failed", dropped: "Dropped" };

export class DeliveryList {
  #limit = STEP;

  /**
   * @param {Desk} desk
   * @param {string} endpoint Its path below `/v1/`.
   * @param {() => void} again Has them read now.
   */
  constructor(desk, endpoint, again) {
    this.desk = desk;
    this.endpoint = endpoint;
    this.again = again;
    const choices = Object.entries(STATUS_WORDS).map(([value, word]) => el("option", { value }, word));
    this.status = el("select", { name: "status", onchange: () => this.#choose() }, el("option", { value: "" }, "Every status"), ...choices);
    this.none = el("p", { class: "muted" }, "None.");
    this.items = el("ol", { class: "deliveries" });
    this.more = el("button", { type: "button", class: "quiet", hidden: true, onclick: () => this.#showMore() }, "Show more");
    this.element = el(
      "section",
      { class: "card", "aria-labelledby": "deliveries-title" },
      el("h2", { id: "deliveries-title" }, "Deliveries, the newest first"),
      el("label", { class: "muted" }, "Status ", this.status),
      this.none,
      this.items,
      this.more,
    );
    this.list = new KeyedList(this.items, keyOf, (delivery) => new DeliveryRow(desk, () => this.#resend(delivery)));
  }

  /** Where they are, below `/v1/`. */
  get path() {
    const status = this.status.value && `&status=${this.status.value}`;
    return `${this.endpoint}/deliveries?limit=${this.#limit}${status}`;
  }

  /** @param {Json} page */
  show({ items, next }) {
    this.none.hidden = items.length > 0;
    this.more.hidden = !next || this.#limit >= MOST;
    this.list.show(items);
  }

  #choose() {
    this.#limit = STEP;
    this.again();
  }

  #showMore() {
    this.#limit = Math.min(this.#limit + STEP, MOST);
    this.again();
  }

  /** @param {Json} delivery */
  async #resend({ event }) {
    try {
      await this.desk.tracker.ask(`${this.endpoint}/deliveries/${encodeURIComponent(event)}/resend`, { method: "POST" });
      notice("Resend: asked for", "good");
    } catch (error) {
      notice(`Resend: ${sentenceOf(error)}`, "bad");
    }
    this.again();
  }
}

/** The same event may be delivered more than once; each delivery is owed, then over. @param {Json} delivery */
function keyOf({ event, owed_at }) {
  return `${event} ${owed_at}`;
}

class DeliveryRow {
  #shown = "";

  /** @param {Desk} desk @param {() => void} resend */
  constructor(desk, resend) {
    this.desk = desk;
    this.status = el("span", {});
    this.type = el("strong", {});
    this.when = el("span", { class: "muted" });
    this.resend = el("button", { type: "button", onclick: resend }, "Resend");
    this.problem = el("p", { class: "bad" });
    this.count = el("summary", {});
    this.attempts = el("tbody");
    const heads = HEADS.map((name) => el("th", { scope: "col" }, name));
    const table = el("table", {}, el("thead", {}, el("tr", {}, ...heads)), this.attempts);
    this.element = el(
      "li",
      {},
      el("div", { class: "delivery" }, this.status, this.type, this.when, this.resend),
      this.problem,
      el("details", {}, this.count, table),
    );
  }

  /** @param {Json} delivery */
  fill(delivery) {
    const shown = JSON.stringify(delivery);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const { now } = this.desk;
    const { status, type, attempts, attempted } = delivery;
    setAttribute(this.status, "class", `outcome ${status}`);
    setText(this.status, say(STATUS_WORDS, status));
    setText(this.type, type.replace(/^tracker\./, ""));
    setText(this.when, `${decoded(delivery.entity)}, ${whenOf(delivery, now)}`);
    setAttribute(this.resend, "aria-label", `Resend ${type} of ${decoded(delivery.entity)}`);
    const isKept = type !== TEST || status === "owed";
    if (!isKept && document.activeElement === this.resend) this.count.focus();
    this.resend.hidden = !isKept;
    setText(this.problem, delivery.problem ?? "");
    this.problem.hidden = !delivery.problem;
    const kept = attempted > attempts.length ? `, the newest ${attempts.length} of them` : "";
    setText(this.count, `${attempted} ${attempted === 1 ? "attempt" : "attempts"}${kept}`);
    this.attempts.replaceChildren(...attempts.map((/** @type {Json} */ attempt) => attemptRow(attempt, now)).reverse());
  }
}

/** @param {Json} delivery @param {number} now */
function whenOf({ status, owed_at, settled_at, next_attempt_at }, now) {
  if (status !== "owed") return `${say(STATUS_WORDS, status).toLowerCase()} ${time(settled_at, now)}`;
  const next = next_attempt_at ? `, tried again ${time(next_attempt_at, now)}` : "";
  return `owed since ${time(owed_at, now)}${next}`;
}

/** @param {Json} attempt @param {number} now */
function attemptRow({ at, status, duration_ms, answer, error }, now) {
  const long = answer?.length > ANSWER_CHARS ? "…" : "";
  const said = [error, answer && answer.slice(0, ANSWER_CHARS) + long].filter(Boolean).join(": ");
  const cells = [time(at, now), status ? String(status) : "no answer", `${duration_ms} ms`, said || "–"];
  return el("tr", {}, ...cells.map((cell) => el("td", {}, cell)));
}
