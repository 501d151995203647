/** One webhook endpoint's page. */

import { DeliveryList } from "./deliveries.js";
import { el, setAttribute, setText } from "./dom.js";
import { filterOf, nameOf, oldestOf, stateOf, successOf, whyDisabled } from "./endpoint.js";
import { notice } from "./notices.js";
import { formatPlace } from "./place.js";
import { Poll, sentenceOf } from "./poll.js";
import { asked } from "./question.js";
import { time } from "./words.js";

/** @import {Json} from "../client/follower.js" */
/** @import {Desk} from "./desk.js" */

const HOUR_MS = 3_600_000;
const WAITS = "Nothing is sent to it until it is enabled again; what it is owed waits, and is dropped when it is too old.";
const GOES_ON = "What it is owed is sent to it, and what happens from now on.";
const REPLAYED = "What it wants of all that has happened since is sent again, as far back as tracker still has it (an hour, unless set otherwise).";

export class WebhookView {
  /** @type {Json | null} */
  #endpoint = null;
  #ending = new AbortController();

  /** @param {Desk} desk @param {string} id */
  constructor(desk, id) {
    this.title = "Webhook";
    this.desk = desk;
    this.path = `webhooks/${encodeURIComponent(id)}`;
    this.name = el("h1", {});
    this.state = el("span", {});
    this.why = el("span", { class: "muted" });
    this.facts = el("dl", { class: "facts" });
    this.switch = this.#button("", () => this.#turn());
    const buttons = [this.#button("Send a test", () => this.#test()), this.#button("Replay", () => this.#replay()), this.switch];
    this.deliveries = new DeliveryList(desk, this.path, () => this.poll.again());
    this.poll = new Poll(desk, (signal) => this.#read(signal), (told) => this.#show(told));
    this.body = el(
      "div",
      { class: "stack", hidden: true },
      el(
        "section",
        { class: "card", "aria-label": "Endpoint" },
        this.name,
        el("p", { role: "status" }, this.state, " ", this.why),
        el("div", { class: "buttons" }, ...buttons),
        this.facts,
      ),
      this.deliveries.element,
    );
    const back = el("a", { href: formatPlace({ view: "webhooks" }), class: "back" }, "← All endpoints");
    this.element = el("div", { class: "view page webhooks" }, back, this.poll.problem, this.body);
    desk.addEventListener("tick", () => this.#draw(), { signal: this.#ending.signal });
  }

  close() {
    this.#ending.abort();
    this.poll.close();
  }

  /** @param {AbortSignal} signal */
  async #read(signal) {
    const { tracker } = this.desk;
    const paths = [this.path, this.deliveries.path];
    const [endpoint, deliveries] = await Promise.all(paths.map(async (path) => (await tracker.ask(path, { signal })).json()));
    return { endpoint, deliveries };
  }

  /** @param {{endpoint: Json, deliveries: Json}} told */
  #show({ endpoint, deliveries }) {
    this.#endpoint = endpoint;
    this.body.hidden = false;
    this.deliveries.show(deliveries);
    this.#draw();
  }

  #draw() {
    const endpoint = this.#endpoint;
    if (endpoint === null) return;
    const { now } = this.desk;
    const { word, look } = stateOf(endpoint, now);
    setText(this.name, nameOf(endpoint));
    setAttribute(this.state, "class", `health ${look}`);
    setText(this.state, word);
    setText(this.why, whyDisabled(endpoint, now));
    setText(this.switch, endpoint.disabled ? "Enable" : "Disable");
    setAttribute(this.switch, "class", endpoint.disabled ? "primary" : "danger");
    const facts = factsOf(endpoint, now);
    if (this.facts.children.length !== facts.length) {
      this.facts.replaceChildren(...facts.map(([name]) => el("div", {}, el("dt", {}, name), el("dd", {}))));
    }
    facts.forEach(([, text], index) => setText(this.facts.children[index].children[1], text));
  }

  #test() {
    return this.#ask("Test", "test");
  }

  async #replay() {
    const since = el("input", { type: "datetime-local", name: "from", required: true, step: 1 });
    since.value = localTime(this.desk.now - HOUR_MS);
    const content = [el("p", { class: "muted" }, REPLAYED), el("label", {}, "From", since)];
    if (!(await asked("Replay to this endpoint?", "Replay", "primary", ...content))) return;
    await this.#ask("Replay", "replay", { from: new Date(since.value).toISOString() });
  }

  async #turn() {
    const isOff = Boolean(this.#endpoint?.disabled);
    const [word, look, why] = isOff ? ["Enable", "primary", GOES_ON] : ["Disable", "danger", WAITS];
    if (!(await asked(`${word} this endpoint?`, word, look, el("p", { class: "muted" }, why)))) return;
    await this.#ask(word, "", { state: isOff ? "enabled" : "disabled" }, "PATCH");
  }

  /** @param {string} word @param {string} what @param {Json} [body] @param {string} [method] */
  async #ask(word, what, body, method = "POST") {
    try {
      await this.desk.tracker.ask(what ? `${this.path}/${what}` : this.path, { method, body });
      notice(`${word}: ${method === "PATCH" ? "done" : "asked for"}`, "good");
    } catch (error) {
      notice(`${word}: ${sentenceOf(error)}`, "bad");
    }
    this.poll.again();
  }

  /** @param {string} word @param {() => void} onclick */
  #button(word, onclick) {
    return el("button", { type: "button", onclick }, word);
  }
}

/** @param {Json} endpoint @param {number} now @returns {[string, string][]} */
function factsOf(endpoint, now) {
  const { old_secrets_until, rate_per_s } = endpoint;
  return [
    ["URL", endpoint.url],
    ["Owed", endpoint.owed.toLocaleString()],
    ["Oldest owed", oldestOf(endpoint, now)],
    ["Taken, last day", successOf(endpoint)],
    ["Is sent", filterOf(endpoint)],
    ["Requests", rate_per_s ? `${rate_per_s} a second at most` : "as many as it takes"],
    ["Added", `${time(endpoint.created_at, now)}, by ${endpoint.created_by}`],
    ["Signed", old_secrets_until ? `also with an old secret until ${time(old_secrets_until, now)}` : "with its newest secret"],
    ["Id", endpoint.id],
  ];
}

/** As a field of a form has it. @param {number} ms */
function localTime(ms) {
  const offsetMs = new Date(ms).getTimezoneOffset() * 60_000;
  return new Date(ms - offsetMs).toISOString().slice(0, 19);
}
