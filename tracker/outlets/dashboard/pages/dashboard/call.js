/** One call's page. */

import { ProblemError } from "../client.js";
import { act, actionsOf } from "./actions.js";
import { CommandList } from "./commands.js";
import { el, setAttribute, setText } from "./dom.js";
import { MediaList } from "./media.js";
import { TimelineBar, lastOf } from "./timeline.js";
import * as words from "./words.js";

/** @import {Json} from "../client/follower.js" */
/** @import {Desk} from "./desk.js" */

const READ_MS = 300; // changes that come together are read together

export class CallView {
  /** @type {Json | null} */
  #call = null;
  #version = -1;
  /** What it was until its end, once its timeline has been read. */
  #last = "";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #reading = undefined;
  #ending = new AbortController();

  /**
   * @param {Desk} desk
   * @param {string} key
   * @param {string} back The address of the list.
   */
  constructor(desk, key, back) {
    this.title = `Call ${words.decoded(key.split("/")[2] ?? key)}`;
    this.desk = desk;
    this.key = key;
    this.who = el("h1", {});
    this.pill = el("span", { class: "pill big" });
    this.forHow = el("span", { class: "for" });
    this.how = el("p", { class: "muted how" });
    this.issues = el("ul", { class: "issues" });
    this.buttons = el("div", { class: "buttons" });
    this.facts = el("dl", { class: "facts" });
    this.timeline = new TimelineBar();
    this.parties = el("tbody");
    this.commands = new CommandList(desk, key);
    this.media = new MediaList(desk);
    this.said = el("p", { class: "muted" }, "Reading …");
    this.body = el("div", { class: "call", hidden: true }, ...this.#layout());
    this.element = el("div", { class: "view page" }, el("a", { href: back, class: "back" }, "← All calls"), this.said, this.body);
    const { signal } = this.#ending;
    desk.addEventListener("call", (event) => this.#told(/** @type {CustomEvent} */ (event).detail), { signal });
    desk.addEventListener("refresh", () => this.refresh(), { signal });
    desk.addEventListener("tick", () => this.#draw(), { signal });
    this.refresh();
  }

  refresh() {
    const call = this.desk.live.calls.get(this.key);
    if (call) this.#show(call);
    else if (this.#call === null && this.desk.live.connected) this.#find();
    this.#draw();
  }

  close() {
    this.#ending.abort();
    clearTimeout(this.#reading);
    this.media.close();
  }

  #layout() {
    return [
      el(
        "section",
        { class: "card now", "aria-label": "Now" },
        this.who,
        el("div", { class: "state", role: "status" }, this.pill),
        this.forHow,
        this.buttons,
        this.how,
        this.issues,
      ),
      this.timeline.element,
      el("div", { class: "stack" }, card("Parties", this.#table()), this.media.element),
      el("div", { class: "stack" }, card("Commands", this.commands.element), card("The call", this.facts)),
    ];
  }

  #table() {
    const heads = ["Who", "Team", "Number", "State", "Recording", "Since"];
    const row = el("tr", {}, ...heads.map((head) => el("th", { scope: "col" }, head)));
    return el("table", {}, el("thead", {}, row), this.parties);
  }

  /** @param {Json} event */
  #told({ subject, data }) {
    if (subject !== this.key || !data.call) return;
    this.#show(data.call);
    this.#draw();
  }

  async #find() {
    try {
      this.#show(await (await this.desk.tracker.ask(`calls/${this.key}`)).json());
      this.#draw();
    } catch (error) {
      const absent = error instanceof ProblemError && error.status === 404;
      setText(this.said, absent ? "There is no such call, or it is not for this access token." : String(error));
    }
  }

  /** @param {Json} call */
  #show(call) {
    if (this.#call && call.version <= this.#version) return;
    this.#call = call;
    this.#version = call.version;
    this.said.hidden = true;
    this.body.hidden = false;
    this.parties.replaceChildren(...call.call.parties.map((/** @type {Json} */ party) => this.#party(party)));
    this.commands.show(call.command ? [call.command] : []);
    this.issues.replaceChildren(
      ...call.issues.map((/** @type {Json} */ issue) =>
        el("li", {}, `${words.say(words.ISSUE_WORDS, issue.type)}, since ${words.time(issue.opened_at, this.desk.now)}`),
      ),
    );
    this.facts.replaceChildren(...factsOf(call, this.desk.now));
    this.media.show(call);
    setText(this.who, whoIsOn(call));
    clearTimeout(this.#reading);
    this.#reading = setTimeout(() => {
      this.#readTimeline();
      this.commands.read();
    }, READ_MS);
  }

  async #readTimeline() {
    try {
      const timeline = await (await this.desk.tracker.ask(`calls/${this.key}/timeline`)).json();
      this.timeline.show(timeline, this.desk.now);
      this.#last = lastOf(timeline);
      this.#draw();
    } catch {
      // the next change of the call reads it again
    }
  }

  /** What changes with time, with the connection and with what may be done. */
  #draw() {
    const call = this.#call;
    if (call === null) return;
    const { desk } = this;
    const over = call.call.state === "ended";
    const current = desk.current && (over || desk.entries.get(this.key) !== undefined);
    this.element.classList.toggle("stale", !current);
    const shown = current ? call.recording.state : "unknown";
    const was = words.say(words.STATE_WORDS, call.recording.state);
    setAttribute(this.pill, "class", `pill big ${over ? "over" : shown}`);
    setText(this.pill, over ? "Ended" : words.say(words.STATE_WORDS, shown));
    setText(this.forHow, over ? "" : current ? words.age(desk.now - Date.parse(call.recording.since)) : `was ${was.toLowerCase()}`);
    const last = this.#last && `${words.say(words.STATE_WORDS, this.#last)} until the end`;
    setText(this.how, over ? last : howKnown(call, desk.now));
    for (const mark of this.parties.querySelectorAll("span[data-state]")) drawMark(mark, over || current);
    if (!over && current) this.timeline.draw(desk.now);
    this.#offer(actionsOf(desk, call));
  }

  /** @param {string[]} actions */
  #offer(actions) {
    const wanted = actions.join();
    if (this.buttons.dataset.offered === wanted) return;
    this.buttons.dataset.offered = wanted;
    const buttons = actions.map((action) => {
      const pressed = () => this.#call && act(this.desk, this.#call, action);
      const look = action === "stop" ? "danger" : actions[0] === action ? "primary" : "";
      return el("button", { type: "button", class: look, onclick: pressed }, words.say(words.ACTION_WORDS, action));
    });
    this.buttons.replaceChildren(...buttons);
  }

  /** @param {Json} party */
  #party(party) {
    const { now } = this.desk;
    const state = party.left_at ? `left ${words.time(party.left_at, now)}` : party.state;
    const recording = party.recording?.state;
    const mark = recording && el("span", { "data-state": recording }, el("span", {}), " ", el("small", {}));
    const who = party.agent ?? (party.role === "other" ? "outside" : party.role);
    const cells = [who + (party.role === "supervisor" ? " (supervisor)" : ""), party.team, party.number, state, mark];
    cells.push(party.recording?.seen_at ? words.time(party.recording.seen_at, now) : "");
    return el("tr", { class: party.left_at ? "left" : null }, ...cells.map((cell) => el("td", {}, cell ?? "–")));
  }
}

/** @param {Element} mark Of a party's recording. @param {boolean} known Whether it may be believed. */
function drawMark(mark, known) {
  const before = mark.getAttribute("data-state") ?? "";
  const shown = known ? before : "unknown";
  const [pill, was] = mark.children;
  setAttribute(pill, "class", `pill small ${shown}`);
  setText(pill, words.say(words.STATE_WORDS, shown));
  setText(was, shown === before ? "" : `was ${words.say(words.STATE_WORDS, before).toLowerCase()}`);
}

/** @param {string} title @param {HTMLElement} content */
function card(title, content) {
  return el("section", { class: "card", "aria-label": title }, el("h2", {}, title), content);
}

/** @param {Json} call */
function whoIsOn(call) {
  const parties = call.call.state === "ended" ? call.call.parties : words.agentsOn(call);
  const agents = parties.flatMap((/** @type {Json} */ party) => party.agent ?? []);
  const other = words.otherParty(call);
  return [agents.join(", ") || "Nobody", other && `with ${other}`].filter(Boolean).join(" ");
}

/** @param {Json} call @param {number} now */
function howKnown({ recording }, now) {
  const { unknown_reason, last_known, seen_at, observed_by, since_exact, cause } = recording;
  if (unknown_reason) {
    const known = last_known ? `; the last that was known: ${words.say(words.STATE_WORDS, last_known).toLowerCase()}` : "";
    return `${words.say(words.UNKNOWN_WORDS, unknown_reason)}${known}`;
  }
  const by = cause.by === "command" ? `by a command${cause.actor ? ` of ${cause.actor}` : ""}` : "";
  const reason = cause.reason ? ` (${words.say(words.REASON_WORDS, cause.reason).toLowerCase()})` : "";
  const seen = observed_by ? `seen ${words.time(seen_at, now)} through ${words.decoded(observed_by)}` : "";
  return [by + reason, since_exact ? seen : `${seen}, found by looking`].filter(Boolean).join(", ");
}

/** @param {Json} snapshot @param {number} now */
function factsOf(snapshot, now) {
  const { call, recording } = snapshot;
  /** @type {[string, string | null | undefined][]} */
  const facts = [
    ["Platform", words.say(words.PLATFORM_WORDS, snapshot.provider)],
    ["Account", words.decoded(snapshot.account)],
    ["Call", words.decoded(snapshot.call_id)],
    ["Type", call.type],
    ["State", call.state],
    ["From", call.ani],
    ["To", call.dnis],
    ["Answered", call.answered_at && words.time(call.answered_at, now)],
    ["Ended", call.ended_at && `${words.time(call.ended_at, now)}, ${call.end_reason}`],
    ["Recording began", recording.started_at && words.time(recording.started_at, now)],
    ["Should be recorded", recording.expected === "unset" ? null : recording.expected.replaceAll("_", " ")],
    ["Consulted from", call.parent && words.decoded(call.parent)],
    ...Object.entries(call.attributes),
  ];
  return facts.filter(([, value]) => value).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)));
}
