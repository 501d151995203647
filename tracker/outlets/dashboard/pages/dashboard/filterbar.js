/** The filters above the table, and the counters, which are filters as well. */

import { anything } from "./attention.js";
import { el, setAttribute, setText } from "./dom.js";
import { ISSUES, ISSUE_WORDS, PLATFORM_WORDS, STATES, STATE_WORDS, decoded, say } from "./words.js";

/** @import {Entry, Wanted} from "./attention.js" */

export class FilterBar {
  /** @type {Record<string, {button: HTMLButtonElement, count: HTMLElement}>} */
  #counters = {};

  /**
   * @param {Wanted} wanted What is chosen at first.
   * @param {(wanted: Wanted) => void} choose Is told what is chosen.
   */
  constructor(wanted, choose) {
    this.wanted = wanted;
    this.choose = choose;
    this.text = this.#input("text", "Search calls, agents, numbers", "search");
    this.agent = this.#input("agent", "Agent", "text");
    this.provider = this.#select("provider", "Every platform");
    this.account = this.#select("account", "Every account");
    this.team = this.#select("team", "Every team");
    this.clear = el("button", { type: "button", class: "quiet", onclick: () => this.#take(anything()) }, "Clear");
    this.total = el("strong", {}, "0");
    this.element = el("section", { class: "filters", "aria-label": "Filters" });
    this.element.append(
      el("div", { class: "fields" }, this.text, this.provider, this.account, this.team, this.agent, this.clear),
      el(
        "div",
        { class: "counters" },
        el("span", { class: "total" }, this.total, " calls"),
        ...STATES.map((state) => this.#counter("states", state, say(STATE_WORDS, state))),
        el("span", { class: "rule", "aria-hidden": "true" }),
        ...ISSUES.map((issue) => this.#counter("issues", issue, say(ISSUE_WORDS, issue))),
      ),
    );
    this.show(wanted);
  }

  /** @param {Wanted} wanted */
  show(wanted) {
    this.wanted = wanted;
    for (const name of /** @type {const} */ (["text", "agent", "provider", "account", "team"])) {
      const field = this[name];
      if (field instanceof HTMLSelectElement) offer(field, [], wanted[name]);
      if (field.value !== wanted[name]) field.value = wanted[name];
    }
    for (const [word, { button }] of Object.entries(this.#counters)) {
      const chosen = wanted.states.includes(word) || wanted.issues.includes(word);
      setAttribute(button, "aria-pressed", String(chosen));
    }
    this.clear.hidden = JSON.stringify(wanted) === JSON.stringify(anything());
  }

  /** @param {import("./attention.js").Counts} counts */
  count(counts) {
    setText(this.total, String(counts.total));
    for (const [word, { button, count }] of Object.entries(this.#counters)) {
      setText(count, String(counts.of[word] ?? "–"));
      button.classList.toggle("none", !counts.of[word]);
    }
  }

  /** Offer what there is to choose from. @param {Iterable<Entry>} entries */
  offer(entries) {
    const found = { provider: new Set(), account: new Set(), team: new Set() };
    for (const { call, account, agents } of entries) {
      found.provider.add(call.provider);
      found.account.add(account);
      for (const { team } of agents) if (team) found.team.add(team);
    }
    for (const name of /** @type {const} */ (["provider", "account", "team"])) {
      offer(this[name], [...found[name]].sort(), this.wanted[name]);
    }
  }

  /** @param {Wanted} wanted */
  #take(wanted) {
    this.show(wanted);
    this.choose(wanted);
  }

  /** @param {"text" | "agent"} name @param {string} label @param {string} type */
  #input(name, label, type) {
    const oninput = () => this.#take({ ...this.wanted, [name]: input.value.trim() });
    const input = el("input", { type, name, placeholder: label, "aria-label": label, autocomplete: "off", oninput });
    return input;
  }

  /** @param {"provider" | "account" | "team"} name @param {string} label */
  #select(name, label) {
    const onchange = () => this.#take({ ...this.wanted, [name]: select.value });
    const select = el("select", { name, "aria-label": label.replace("Every ", ""), onchange });
    select.append(el("option", { value: "" }, label));
    return select;
  }

  /** @param {"states" | "issues"} field @param {string} word @param {string} label */
  #counter(field, word, label) {
    const toggle = () => {
      const had = this.wanted[field];
      const has = had.includes(word) ? had.filter((one) => one !== word) : [...had, word];
      this.#take({ ...this.wanted, [field]: has });
    };
    const count = el("strong", {}, "0");
    const mark = el("i", { class: `dot ${field === "issues" ? "issue" : word}`, "aria-hidden": "true" });
    const button = el("button", { type: "button", class: `counter ${field}`, "aria-pressed": "false", onclick: toggle });
    button.dataset.word = word;
    button.append(mark, count, el("span", {}, label));
    this.#counters[word] = { button, count };
    return button;
  }
}

/**
 * Have *select* offer *values*, and what is *chosen* in any case.
 *
 * @param {HTMLSelectElement} select
 * @param {string[]} values
 * @param {string} chosen
 */
function offer(select, values, chosen) {
  const wanted = new Set(chosen ? [...values, chosen] : values);
  const known = new Set([...select.options].slice(1).map((option) => option.value));
  for (const value of wanted) {
    if (!known.has(value)) select.append(el("option", { value }, named(value)));
  }
  for (const option of [...select.options].slice(1)) {
    if (values.length && !wanted.has(option.value)) option.remove();
  }
}

/** @param {string} value */
function named(value) {
  const [first, ...rest] = value.split("/");
  return [PLATFORM_WORDS[first] ?? decoded(first), ...rest.map(decoded)].join(" / ");
}
