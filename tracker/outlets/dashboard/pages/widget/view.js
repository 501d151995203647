/** One call as the light shows it: its state, its buttons, the stages of a command. */

import { isSettled } from "../client.js";

/** @import {Json} from "../client/follower.js" */
/** @import {ShownCall} from "./agent.js" */
/** @import {Words} from "./words.js" */

const REASONS = /** @type {const} */ (["payment", "personal_data", "consent_withdrawn", "other"]);
const FAILED_MS = 8_000;
const BUTTONS = /** @type {const} */ (["pause", "resume"]);

/** @typedef {(call: string, action: "pause" | "resume", reason?: string) => void} Ask */

/**
 * @param {string} tag
 * @param {string} [className]
 * @param {string} [text]
 */
export function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

/** Stays for as long as the call does, so that a button keeps its focus. */
export class CallBlock {
  /** @type {ShownCall | null} */
  #call = null;
  #offered = "";
  #failed = "";
  #asksWhy = false;
  #keepsFocus = false;

  /** @param {Words} words @param {Ask} ask */
  constructor(words, ask) {
    this.words = words;
    this.ask = ask;
    this.word = make("span", "word");
    this.head = make("div", "head");
    this.head.append(make("span", "light"), this.word);
    this.about = make("div", "about");
    this.step = make("div", "step");
    this.buttons = make("div", "buttons");
    this.element = make("div", "call none");
    this.element.append(this.head, this.about, this.step, this.buttons);
  }

  /**
   * @param {ShownCall | null} call null = there is none.
   * @param {string} state What is shown when there is none.
   * @param {string} [about] Why.
   */
  show(call, state, about = "") {
    this.#call = call;
    this.element.className = `call ${state}`;
    this.element.dataset.key = call?.key ?? "";
    text(this.about, call ? this.#describe(call) : about);
    this.#showStep(call?.command ?? null);
    this.#offer(call);
  }

  /** The pause goes on. @param {number} now By the server's clock. */
  tick(now) {
    const state = this.element.classList[1];
    const since = state === "paused" ? this.#call?.since : null;
    const word = this.words[/** @type {keyof Words} */ (state)];
    text(this.word, since ? `${word} ${age(now - since)}` : word);
  }

  /** @param {ShownCall} call */
  #describe({ state, reason, phase, other }) {
    const why = state === "unknown" && reason ? this.words[/** @type {keyof Words} */ (reason)] : "";
    return [why, phase === "ringing" && this.words.ringing, other].filter(Boolean).join(" · ");
  }

  /** @param {Json | null} command */
  #showStep(command) {
    this.step.hidden = command === null && !this.#failed;
    if (command === null) {
      this.step.className = "step bad";
      text(this.step, this.#failed);
      return;
    }
    const { action, stage, problem } = command;
    const failed = isSettled(command) && stage !== "confirmed";
    this.step.className = `step ${failed ? "bad" : isSettled(command) ? "good" : "open"}`;
    const { pausing, resuming, starting, stopping } = this.words;
    const doing = { pause: pausing, resume: resuming, start: starting, stop: stopping }[String(action)] ?? action;
    const how = this.words[/** @type {keyof Words} */ (stage === "refused" ? "failed" : stage)];
    text(this.step, `${doing}: ${how}${failed && problem ? ` (${problem})` : ""}`);
  }

  /** What was asked for was not taken. @param {string} said */
  fail(said) {
    this.#failed = said;
    this.#showStep(null);
    setTimeout(() => {
      this.#failed = "";
      this.#showStep(this.#call?.command ?? null);
    }, FAILED_MS);
  }

  /** @param {ShownCall | null} call */
  #offer(call) {
    const actions = BUTTONS.filter((action) => call?.actions.includes(action));
    if (!actions.includes("pause")) this.#asksWhy = false;
    const offered = `${call?.key} ${actions} ${this.#asksWhy}`;
    if (offered === this.#offered) return;
    this.#offered = offered;
    const root = /** @type {ShadowRoot} */ (this.buttons.getRootNode());
    if (this.buttons.contains(root.activeElement)) this.#keepsFocus = true; // it goes
    if (this.#asksWhy) this.buttons.replaceChildren(this.#reasons());
    else this.buttons.replaceChildren(...actions.map((action) => this.#button(action)));
    if (this.#keepsFocus && actions.length) this.#focus();
  }

  /** Unless the agent is somewhere else by now. */
  #focus() {
    this.#keepsFocus = false;
    const { activeElement, body } = document;
    const { host } = /** @type {ShadowRoot} */ (this.buttons.getRootNode());
    if (activeElement && activeElement !== body && activeElement !== host) return;
    /** @type {HTMLElement | null} */ (this.buttons.querySelector("button"))?.focus();
  }

  /** @param {"pause" | "resume"} action */
  #button(action) {
    const button = make("button", "first", this.words[action]);
    button.setAttribute("type", "button");
    button.addEventListener("click", () => (action === "pause" ? this.#ask(true) : this.#send(action)));
    return button;
  }

  #reasons() {
    const set = make("fieldset");
    const choices = make("div", "reasons");
    for (const reason of REASONS) {
      const button = make("button", "", this.words[reason]);
      button.setAttribute("type", "button");
      button.addEventListener("click", () => this.#send("pause", reason));
      choices.append(button);
    }
    const cancel = make("button", "", this.words.cancel);
    cancel.setAttribute("type", "button");
    cancel.addEventListener("click", () => this.#ask(false));
    choices.append(cancel);
    set.addEventListener("keydown", (event) => event.key === "Escape" && this.#ask(false));
    set.append(make("legend", "", this.words.why), choices, make("small", "", this.words.pci));
    return set;
  }

  /** @param {boolean} why */
  #ask(why) {
    this.#asksWhy = why;
    this.#keepsFocus = true;
    this.#offer(this.#call);
  }

  /** @param {"pause" | "resume"} action @param {string} [reason] */
  #send(action, reason) {
    this.#asksWhy = false;
    this.#keepsFocus = true; // on what comes next: the pressed button goes
    this.#offered = "";
    this.buttons.replaceChildren();
    if (this.#call) this.ask(this.#call.key, action, reason);
  }
}

/** @param {Element} element @param {string} wanted */
export function text(element, wanted) {
  if (element.textContent !== wanted) element.textContent = wanted;
}

/** @param {number} ms */
function age(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  const [hours, minutes, seconds] = [Math.floor(s / 3600), Math.floor(s / 60) % 60, s % 60];
  const tail = String(seconds).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}
