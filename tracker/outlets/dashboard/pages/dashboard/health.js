/** Whether tracker can see: accounts, and the feeds that their calls come through. */

import { el, setAttribute, setText } from "./dom.js";
import { VirtualList } from "./virtual.js";
import { PLATFORM_WORDS, age, decoded, say, time } from "./words.js";

/** @import {Json} from "../client/follower.js" */
/** @import {Desk} from "./desk.js" */

export const SEE = "sources:read";

const ROW_PX = 34;
/** @type {Record<string, string>} */
const WORDS = { up: "Up", down: "Cannot see", locked: "Locked out", unknown: "Unknown" };
/** @type {Record<string, string>} */
const BEFORE = { up: "was up", down: "could not see", locked: "was locked out" };
/** @type {Record<string, number>} */
const RANKS = { locked: 0, down: 1, up: 2 };
const COLUMNS = ["State", "Feed", "Account", "For", "Blind since", "Last error"];

export class HealthView {
  #ending = new AbortController();

  /** @param {Desk} desk */
  constructor(desk) {
    this.title = "Platforms";
    this.desk = desk;
    this.accounts = el("ul", { class: "tenants", "aria-label": "Accounts" });
    this.search = el("input", { type: "search", "aria-label": "Search feeds", placeholder: "Search feeds", oninput: () => this.refresh() });
    this.count = el("span", { class: "muted" });
    this.fields = el("div", { class: "fields" }, this.search, this.count);
    this.none = el("p", { class: "empty" }, `This access token shows no feeds (scope ${SEE}).`);
    const space = el("div", { class: "rows", role: "rowgroup" });
    const heads = COLUMNS.map((name) => el("span", { role: "columnheader" }, name));
    this.table = el(
      "div",
      { class: "grid sources", role: "table", tabindex: 0, "aria-label": "Feeds, those that cannot see first" },
      el("div", { role: "rowgroup", class: "heads" }, el("div", { role: "row", class: "row" }, ...heads)),
      space,
    );
    this.element = el(
      "div",
      { class: "view health" },
      this.accounts,
      this.fields,
      this.none,
      this.table,
    );
    this.list = new VirtualList(this.table, space, ROW_PX, { make: makeRow, fill: (row, source, index) => this.#fill(row, source, index) });
    const { signal } = this.#ending;
    desk.addEventListener("refresh", () => this.refresh(), { signal });
    desk.addEventListener("tick", () => this.refresh(), { signal });
    this.refresh();
  }

  refresh() {
    const { live, current } = this.desk;
    this.element.classList.toggle("stale", !current);
    const accounts = [...live.accounts.values()].sort(byAttention);
    const sources = [...live.sources.values()];
    this.accounts.replaceChildren(...accounts.map((account) => this.#account(account, sources)));
    const text = this.search.value.trim().toLowerCase();
    const shown = sources.filter((source) => decoded(source.key).toLowerCase().includes(text)).sort(byAttention);
    const up = current ? shown.filter((source) => source.state === "up").length : "–";
    setText(this.count, `${up} of ${shown.length} feeds are up`);
    this.none.hidden = sources.length > 0 || !live.connected;
    this.fields.hidden = !sources.length;
    setAttribute(this.table, "aria-rowcount", String(shown.length + 1));
    this.list.show(shown);
  }

  close() {
    this.#ending.abort();
    this.list.close();
  }

  /** @param {Json} account @param {Json[]} sources */
  #account(account, sources) {
    const own = sources.filter((source) => source.provider === account.provider && source.account === account.account);
    const up = own.filter((source) => source.state === "up").length;
    const { now, current } = this.desk;
    const state = current ? account.state : "unknown";
    const how = `${up} of ${own.length} feeds up, for ${age(now - Date.parse(account.since))}`;
    return el(
      "li",
      { class: `card tenant ${state}` },
      el("span", { class: `health ${state}` }, say(WORDS, state)),
      el("strong", {}, `${say(PLATFORM_WORDS, account.provider)} / ${decoded(account.account)}`),
      el("span", { class: "muted" }, current ? how : say(BEFORE, account.state)),
      account.last_error && el("span", { class: "error" }, account.last_error),
    );
  }

  /** @param {HTMLElement} row @param {Json} source @param {number} index */
  #fill(row, source, index) {
    const { now, current } = this.desk;
    const [, , name] = source.key.split("/");
    const state = current ? source.state : "unknown";
    const texts = [
      say(WORDS, state),
      decoded(name),
      `${say(PLATFORM_WORDS, source.provider)} / ${decoded(source.account)}`,
      current ? age(now - Date.parse(source.since)) : say(BEFORE, source.state),
      source.state === "up" ? "" : time(source.alive_at, now),
      source.last_error ?? "",
    ];
    setAttribute(row, "aria-rowindex", String(index + 2));
    texts.forEach((text, column) => setText(row.children[column], text));
    setAttribute(row.children[0], "class", `cell health ${state}`);
  }
}

function makeRow() {
  return el("div", { role: "row", class: "row" }, ...COLUMNS.map(() => el("span", { role: "cell", class: "cell" })));
}

/** @param {Json} one @param {Json} other */
function byAttention(one, other) {
  return RANKS[one.state] - RANKS[other.state] || (one.key < other.key ? -1 : 1);
}
