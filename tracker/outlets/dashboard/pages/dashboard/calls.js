/** The table of calls: what needs attention first, ages counting up. */

import { act, actionsOf, commandShown } from "./actions.js";
import { choose } from "./attention.js";
import { el, setAttribute, setText } from "./dom.js";
import { FilterBar } from "./filterbar.js";
import { formatPlace } from "./place.js";
import { VirtualList } from "./virtual.js";
import * as words from "./words.js";

/** @import {Entry, Wanted} from "./attention.js" */
/** @import {Desk} from "./desk.js" */

const ROW_PX = 38;
const HOLD_MS = 4_000;
const OFFER_MS = 2_000;
const COLUMNS = ["State", "For", "Agents", "Team", "With", "Account", "Evidence", "Command", "Issues", "Actions"];

/** @typedef {{key: string, entry: Entry | null, cells: Record<string, HTMLElement>}} Row */

export class CallsView {
  /** @type {WeakMap<HTMLElement, Row>} */
  #rows = new WeakMap();
  #made = 0;
  #active = "";
  #heldUntil = 0;
  #offeredAt = -OFFER_MS;
  #ending = new AbortController();

  /**
   * @param {Desk} desk
   * @param {Wanted} wanted
   */
  constructor(desk, wanted) {
    this.title = "Calls";
    this.desk = desk;
    this.wanted = wanted;
    this.bar = new FilterBar(wanted, (chosen) => this.#choose(chosen));
    this.empty = el("p", { class: "empty" });
    const space = el("div", { class: "rows", role: "rowgroup" });
    const heads = COLUMNS.map((name) => el("span", { role: "columnheader" }, name));
    this.grid = el(
      "div",
      { class: "grid", role: "grid", tabindex: 0, "aria-label": "Calls, what needs attention first" },
      el("div", { role: "rowgroup", class: "heads" }, el("div", { role: "row", class: "row", "aria-rowindex": 1 }, ...heads)),
      space,
      this.empty,
    );
    this.element = el("div", { class: "view calls" }, this.bar.element, this.grid);
    this.list = new VirtualList(this.grid, space, ROW_PX, {
      make: () => this.#make(),
      fill: (row, entry, index) => this.#fill(row, entry, index),
    });
    this.#listen(space);
    this.refresh();
  }

  /** @param {Wanted} wanted */
  go(wanted) {
    this.wanted = wanted;
    this.bar.show(wanted);
    this.#heldUntil = 0;
    this.refresh();
  }

  /** Go on with the keys from the row of *key*, else from the first. @param {string} [key] */
  land(key = this.#active) {
    const { items } = this.list;
    const at = Math.max(0, items.findIndex((entry) => entry.key === key));
    this.#active = items[at]?.key ?? "";
    if (items.length) this.list.reveal(at);
    this.grid.focus({ preventScroll: true });
  }

  refresh() {
    const { desk, list } = this;
    const entries = desk.entries.order();
    const { chosen, counts } = choose(entries, this.wanted);
    if (performance.now() - this.#offeredAt > OFFER_MS) {
      this.#offeredAt = performance.now();
      setTimeout(() => this.bar.offer(entries)); // not before what is seen
    }
    this.bar.count(desk.current ? counts : blind(counts));
    this.element.classList.toggle("stale", !desk.current);
    setAttribute(this.grid, "aria-rowcount", String(chosen.length + 1));
    setText(this.empty, this.#emptiness(chosen.length));
    list.show(this.#isHeld() ? this.#hold(chosen) : chosen);
  }

  close() {
    this.#ending.abort();
    this.list.close();
  }

  #isHeld() {
    return performance.now() < this.#heldUntil && this.list.items.length > 0;
  }

  /**
   * The rows as they stand, with what is new in them: nothing moves under a pointer.
   *
   * @param {Entry[]} chosen
   */
  #hold(chosen) {
    const { entries } = this.desk;
    const shown = this.list.items.map((entry) => entries.get(entry.key) ?? entry);
    return shown.length < chosen.length / 2 ? chosen : shown;
  }

  /** @param {HTMLElement} space */
  #listen(space) {
    const { signal } = this.#ending;
    this.desk.addEventListener("refresh", () => this.refresh(), { signal });
    this.desk.addEventListener("tick", () => this.list.draw(), { signal });
    this.grid.addEventListener("keydown", (event) => this.#key(event));
    this.grid.addEventListener("focus", () => this.list.draw());
    space.addEventListener("pointermove", ({ pointerType }) => {
      if (pointerType === "mouse") this.#heldUntil = performance.now() + HOLD_MS;
    });
    space.addEventListener("pointerleave", () => (this.#heldUntil = 0));
    space.addEventListener("click", (event) => this.#click(event));
  }

  /** @param {Wanted} wanted */
  #choose(wanted) {
    history.replaceState(null, "", formatPlace({ wanted }));
    this.go(wanted);
  }

  /** @param {number} count */
  #emptiness(count) {
    if (count) return "";
    if (!this.desk.live.connected) return "";
    return this.desk.entries.size ? "No call matches these filters." : "There are no calls.";
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    const row = /** @type {HTMLElement | null} */ (target.closest("[role=row]"));
    const shown = row && this.#rows.get(row);
    if (!shown?.entry) return;
    const button = /** @type {HTMLElement | null} */ (target.closest("button[data-action]"));
    if (button?.dataset.action) act(this.desk, shown.entry.call, button.dataset.action);
    else if (!target.closest("a")) location.hash = formatPlace({ key: shown.key });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.target !== this.grid) return;
    const { items, page } = this.list;
    const at = items.findIndex((entry) => entry.key === this.#active);
    /** @type {Record<string, number>} */
    const steps = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: items.length };
    if (event.key === "Enter" && at >= 0) {
      location.hash = formatPlace({ key: this.#active });
    } else if (event.key in steps && items.length) {
      event.preventDefault();
      const to = Math.min(items.length - 1, Math.max(0, steps[event.key]));
      this.#active = items[to].key;
      this.list.reveal(to);
      this.list.draw();
    }
  }

  #make() {
    const names = ["state", "age", "agents", "team", "other", "account", "evidence", "command", "issues", "actions"];
    /** @type {Record<string, HTMLElement>} */
    const cells = Object.fromEntries(names.map((name) => [name, el("span", { role: "gridcell", class: `cell ${name}` })]));
    cells.pill = el("a", { class: "pill", tabindex: -1 });
    cells.was = el("small", {});
    cells.state.append(cells.pill, cells.was);
    for (const action of words.ACTIONS) {
      const button = el("button", { type: "button", tabindex: -1, hidden: true }, say(action));
      button.dataset.action = action;
      cells[action] = button;
      cells.actions.append(button);
    }
    const row = el("div", { role: "row", class: "row", id: `row-${++this.#made}` }, ...names.map((name) => cells[name]));
    this.#rows.set(row, { key: "", entry: null, cells });
    return row;
  }

  /** @param {HTMLElement} row @param {Entry} entry @param {number} index */
  #fill(row, entry, index) {
    const shown = /** @type {Row} */ (this.#rows.get(row));
    setAttribute(row, "aria-rowindex", String(index + 2));
    const active = entry.key === this.#active;
    row.classList.toggle("active", active);
    row.classList.toggle("gone", entry.gone);
    row.classList.toggle("wants", entry.issues.length > 0 && !entry.gone);
    setAttribute(row, "aria-selected", String(active));
    const named = this.grid.getAttribute("aria-activedescendant") === row.id;
    if (active !== named) setAttribute(this.grid, "aria-activedescendant", active ? row.id : null);
    if (shown.entry !== entry) {
      shown.key = entry.key;
      shown.entry = entry;
      fillCall(shown.cells, entry);
    }
    this.#fillState(shown.cells, entry);
  }

  /** What also changes when the call does not. @param {Record<string, HTMLElement>} cells @param {Entry} entry */
  #fillState(cells, entry) {
    const { current, now } = this.desk;
    const { call } = entry;
    const known = current && !entry.gone;
    const state = known ? entry.state : "unknown";
    const was = state === entry.state ? "" : `was ${words.say(words.STATE_WORDS, entry.state).toLowerCase()}`;
    setAttribute(cells.pill, "class", `pill ${state}`);
    setText(cells.pill, entry.gone ? "Ended" : words.say(words.STATE_WORDS, state));
    setText(cells.was, was);
    setText(cells.age, known ? words.age(now - entry.since) : "–");
    const { text, mood } = commandShown(call, now);
    setText(cells.command, text);
    setAttribute(cells.command, "class", `cell command ${mood}`);
    // of an unknown state everything is allowed: the rest is on the call's page
    const offered = entry.gone ? [] : actionsOf(this.desk, call).filter((action) => action !== "stop").slice(0, 2);
    for (const action of words.ACTIONS) {
      cells[action].hidden = !offered.includes(action);
    }
  }
}

/** @param {Record<string, HTMLElement>} cells @param {Entry} entry */
function fillCall(cells, { key, call }) {
  const agents = words.agentsOn(call);
  setAttribute(cells.pill, "href", formatPlace({ key }));
  setText(cells.agents, agents.map((party) => party.agent).join(", ") || "–");
  setText(cells.team, [...new Set(agents.map((party) => party.team).filter(Boolean))].join(", "));
  setText(cells.other, [words.otherParty(call), kind(call.call)].filter(Boolean).join(" · "));
  setText(cells.account, `${words.say(words.SHORT_PLATFORMS, call.provider)} / ${words.decoded(call.account)}`);
  setText(cells.evidence, words.evidence(call));
  const issues = call.issues.map((/** @type {{type: string}} */ issue) => words.say(words.ISSUE_WORDS, issue.type));
  setText(cells.issues, issues.join(", "));
  for (const name of ["agents", "account", "evidence", "issues"]) setAttribute(cells[name], "title", cells[name].textContent);
}

/** @param {{type: string, state: string}} call */
function kind({ type, state }) {
  const known = type === "unknown" ? "" : type;
  return state === "active" ? known : [known, state === "held" ? "on hold" : state].filter(Boolean).join(", ");
}

/** All are unknown, and nobody knows what is amiss. @param {import("./attention.js").Counts} counts */
function blind({ total }) {
  const states = words.STATES.map((word) => [word, word === "unknown" ? total : 0]);
  return { total, of: Object.fromEntries([...states, ...words.ISSUES.map((word) => [word, null])]) };
}

/** @param {string} action */
function say(action) {
  return words.say(words.ACTION_WORDS, action) + (action === "resume" ? "" : "…");
}
