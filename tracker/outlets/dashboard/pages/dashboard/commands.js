/** What was asked of a call, the newest first. */

import { isSettled } from "../client.js";
import { el, setText } from "./dom.js";
import { sentenceOf } from "./poll.js";
import * as words from "./words.js";

/** @import {Json} from "../client/follower.js" */
/** @import {Desk} from "./desk.js" */

const STAGES = ["requested", "sent", "accepted", "confirmed"];

export class CommandList {
  /** @type {Map<string, Json>} By id. */
  #known = new Map();
  /** Why some may be missing. */
  #why = "Reading …";

  /** @param {Desk} desk @param {string} call Its key. */
  constructor(desk, call) {
    this.desk = desk;
    this.path = `calls/${call}/commands`;
    this.items = el("ol", { class: "commands" });
    this.said = el("p", { class: "muted" }, this.#why);
    this.element = el("div", {}, this.items, this.said);
  }

  /** Have all that the server keeps. */
  async read() {
    /** @type {Json[]} */
    let items = [];
    try {
      ({ items } = await (await this.desk.tracker.ask(this.path)).json());
      this.#why = "";
    } catch (error) {
      this.#why = sentenceOf(error); // the next change of the call reads it again
    }
    this.show(items);
  }

  /** Beside those known already; one that is settled stays as it is. @param {Json[]} commands */
  show(commands) {
    for (const command of commands) {
      if (!isSettled(this.#known.get(command.id) ?? {})) this.#known.set(command.id, command);
    }
    const sorted = [...this.#known.values()].sort((a, b) => Date.parse(b.requested_at) - Date.parse(a.requested_at));
    this.items.replaceChildren(...sorted.map((command) => itemOf(command, this.desk.now)));
    setText(this.said, this.#why || (sorted.length ? "" : "None yet."));
    this.said.hidden = !this.said.textContent;
  }
}

/** @param {Json} command @param {number} now */
function itemOf(command, now) {
  const failed = isSettled(command) && command.stage !== "confirmed";
  const reached = failed ? [...STAGES.filter((stage) => command[`${stage}_at`]), command.stage] : STAGES;
  const at = reached.indexOf(command.stage);
  const steps = reached.map((stage, index) =>
    el(
      "li",
      { class: stage === command.stage && failed ? "bad" : index <= at ? "done" : null },
      stage === "accepted" ? stage : words.say(words.STAGE_WORDS, stage),
      el("small", {}, words.time(command[`${index > 2 || failed && index === at ? "settled" : stage}_at`], now)),
    ),
  );
  const reason = command.reason && words.say(words.REASON_WORDS, command.reason).toLowerCase();
  const said = [reason, command.agent && `only ${command.agent}`, `asked by ${command.requested_by}`];
  return el(
    "li",
    {},
    el("strong", {}, words.say(words.ACTION_WORDS, command.action)),
    el("span", { class: "muted" }, ` ${said.filter(Boolean).join(", ")}`),
    el("ol", { class: "stages", "aria-label": "Stages" }, ...steps),
    command.problem && el("p", { class: "bad" }, command.problem),
  );
}
