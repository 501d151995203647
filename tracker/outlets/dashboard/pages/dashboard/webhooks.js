/** The webhook endpoints, and how it goes with each. */

import { el, setAttribute, setText } from "./dom.js";
import { byAttention, filterOf, nameOf, oldestOf, stateOf, successOf, whyDisabled } from "./endpoint.js";
import { KeyedList } from "./keyed.js";
import { formatPlace } from "./place.js";
import { Poll } from "./poll.js";

/** @import {Json} from "../client/follower.js" */
/** @import {Desk} from "./desk.js" */

export const MANAGE = "webhooks:manage";

const PAGE = 1000;
const COLUMNS = ["Endpoint", "State", "Owed", "Oldest owed", "Taken, last day", "Is sent"];
const ADDING = "Endpoints are added and removed, and their secrets rotated, through the API and with “tracker webhook”.";

export class WebhooksView {
  /** @type {Json[]} */
  #endpoints = [];
  #ending = new AbortController();

  /** @param {Desk} desk */
  constructor(desk) {
    this.title = "Webhooks";
    this.desk = desk;
    this.none = el("p", { class: "muted", hidden: true }, "There are no endpoints that this access token may manage.");
    const body = el("tbody");
    const heads = COLUMNS.map((name) => el("th", { scope: "col" }, name));
    this.table = el("table", { hidden: true }, el("thead", {}, el("tr", {}, ...heads)), body);
    this.list = new KeyedList(body, (/** @type {Json} */ endpoint) => endpoint.id, () => new EndpointRow(desk));
    this.poll = new Poll(desk, (signal) => this.#read(signal), (endpoints) => this.#show(endpoints));
    this.element = el(
      "div",
      { class: "view page webhooks" },
      this.poll.problem,
      el("section", { class: "card", "aria-labelledby": "endpoints-title" }, el("h1", { id: "endpoints-title" }, "Webhook endpoints"), this.none, this.table),
      el("p", { class: "small muted" }, ADDING),
    );
    desk.addEventListener("tick", () => this.list.show(this.#endpoints), { signal: this.#ending.signal });
  }

  close() {
    this.#ending.abort();
    this.poll.close();
  }

  /** @param {AbortSignal} signal @returns {Promise<Json[]>} All pages of them. */
  async #read(signal) {
    const found = [];
    for (let query = `?limit=${PAGE}`; query; ) {
      const { items, next } = await (await this.desk.tracker.ask(`webhooks${query}`, { signal })).json();
      found.push(...items);
      query = next ? new URL(next, location.href).search : "";
    }
    return found;
  }

  /** @param {Json[]} endpoints */
  #show(endpoints) {
    this.#endpoints = endpoints.sort(byAttention);
    this.none.hidden = endpoints.length > 0;
    this.table.hidden = !endpoints.length;
    this.list.show(endpoints);
  }
}

class EndpointRow {
  /** @param {Desk} desk */
  constructor(desk) {
    this.desk = desk;
    this.name = el("a", {});
    this.url = el("small", { class: "muted" });
    this.state = el("span", {});
    this.why = el("small", { class: "muted" });
    this.told = COLUMNS.slice(2).map(() => el("td", {}));
    this.element = el("tr", {}, el("td", {}, this.name, this.url), el("td", {}, this.state, this.why), ...this.told);
  }

  /** @param {Json} endpoint */
  fill(endpoint) {
    const { now } = this.desk;
    const { word, look } = stateOf(endpoint, now);
    setAttribute(this.name, "href", formatPlace({ view: "webhooks", key: endpoint.id }));
    setText(this.name, nameOf(endpoint));
    setText(this.url, endpoint.description && endpoint.url);
    setAttribute(this.state, "class", `health ${look}`);
    setText(this.state, word);
    setText(this.why, whyDisabled(endpoint, now));
    const told = [endpoint.owed.toLocaleString(), oldestOf(endpoint, now), successOf(endpoint), filterOf(endpoint)];
    told.forEach((text, column) => setText(this.told[column], text));
  }
}
