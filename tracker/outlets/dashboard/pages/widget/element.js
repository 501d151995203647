/** The custom element: connects, shows, tells its page. */

import { GRACE_MS, Tracker } from "../client.js";
import { NOBODY, doubtOf, shownOf } from "./agent.js";
import { STYLE } from "./style.js";
import { CallBlock, make, text } from "./view.js";
import { WORDS } from "./words.js";

/** @import {LiveCalls} from "../client.js" */
/** @import {Token} from "../client/connection.js" */
/** @import {Shown} from "./agent.js" */
/** @import {Words} from "./words.js" */

const PROPERTIES = ["token", "words"]; // a page may set them before this module is there

/**
 * `<recording-state>`: whether an agent's call is being recorded.
 *
 * Dispatches `recordingstatechange` whenever what it shows changes, with a `Shown` in its
 * `detail`; it bubbles.
 */
export class RecordingState extends HTMLElement {
  static observedAttributes = ["agent", "account", "server", "grace"];

  /** @type {LiveCalls | null} */
  #live = null;
  /** @type {Token} */
  #token = null;
  /** @type {Words} */
  #words = WORDS;
  /** @type {Map<string, CallBlock>} By call; one without a call is under "". */
  #blocks = new Map();
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #ticking = undefined;
  #told = "";
  #said = "";
  #box = make("div", "box");
  #active = make("div", "active");
  #held = make("div", "held");
  #heldTitle = make("div", "title");
  #status = make("div", "said");
  #seen = () => this.#draw();

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
    this.#status.setAttribute("role", "status");
    this.#status.setAttribute("aria-live", "polite");
    this.#box.setAttribute("role", "group");
    this.#box.setAttribute("aria-label", "Recording state");
    this.#box.append(this.#active, this.#held, this.#status);
    root.append(this.#box);
  }

  /** An access token, or what fetches one. @returns {Token} */
  get token() {
    return this.#token;
  }

  /** @param {Token} token */
  set token(token) {
    this.#token = token;
    this.#restart();
  }

  /** What it says. @returns {Words} */
  get words() {
    return this.#words;
  }

  /** @param {Partial<Words>} words Others stay as they are. */
  set words(words) {
    this.#words = { ...WORDS, ...words };
    this.#blocks.clear();
    this.#restart();
  }

  /** What it shows. @returns {Shown | null} null = nothing yet. */
  get shown() {
    const agent = this.getAttribute("agent");
    return agent ? this.#live && shownOf(this.#live, agent) : NOBODY;
  }

  connectedCallback() {
    for (const name of PROPERTIES) this.#upgrade(name);
    this.#start();
    this.#ticking = setInterval(() => this.#draw(), 1000);
    document.addEventListener("visibilitychange", this.#seen);
  }

  disconnectedCallback() {
    clearInterval(this.#ticking);
    document.removeEventListener("visibilitychange", this.#seen);
    this.#stop();
  }

  attributeChangedCallback() {
    this.#restart();
  }

  #start() {
    const agent = this.getAttribute("agent");
    if (agent) this.#live = this.#follow(agent);
    this.#draw();
  }

  /** @param {string} agent */
  #follow(agent) {
    const account = this.getAttribute("account");
    const tracker = new Tracker({ url: this.getAttribute("server") ?? undefined, token: this.#token });
    const filter = { agents: [agent], ...(account && { accounts: [account] }) };
    const graceS = Number(this.getAttribute("grace") ?? GRACE_MS / 1000);
    const live = tracker.calls(filter, { graceMs: Number.isFinite(graceS) ? graceS * 1000 : GRACE_MS });
    for (const name of ["change", "reset", "status"]) live.addEventListener(name, () => this.#draw());
    return live;
  }

  #stop() {
    const live = this.#live;
    this.#live = null;
    live?.close();
  }

  #restart() {
    if (!this.isConnected || !this.#ticking) return;
    this.#stop();
    this.#start();
  }

  /** @param {string} name */
  #upgrade(name) {
    if (!Object.hasOwn(this, name)) return;
    const value = Reflect.get(this, name);
    Reflect.deleteProperty(this, name);
    Reflect.set(this, name, value);
  }

  #draw() {
    const { shown } = this;
    if (!shown) return;
    const { active, held, state } = shown;
    const calls = [...active, ...held];
    this.#keep(calls.length ? calls.map((call) => call.key) : [""]);
    for (const call of calls) this.#block(call.key).show(call, call.state);
    if (!calls.length) this.#block("").show(null, state, this.#reason(shown));
    const now = this.#live?.now() ?? Date.now();
    for (const block of this.#blocks.values()) block.tick(now);
    const first = calls.length ? active.map((call) => call.key) : [""];
    place(this.#active, first.map((key) => this.#block(key).element));
    place(this.#held, [this.#heldTitle, ...held.map((call) => this.#block(call.key).element)]);
    text(this.#heldTitle, this.#words.on_hold);
    this.#held.hidden = held.length === 0;
    this.#tell(shown);
  }

  /** @param {Shown} shown */
  #reason({ current }) {
    const live = this.#live;
    if (!live) return "";
    if (live.wantsToken || live.error) return this.#words.refused;
    return current ? "" : this.#words[doubtOf(live)];
  }

  /** @param {string} key */
  #block(key) {
    let block = this.#blocks.get(key);
    if (!block) {
      block = new CallBlock(this.#words, (call, action, reason) => this.#ask(call, action, reason));
      this.#blocks.set(key, block);
    }
    return block;
  }

  /** @param {string[]} keys */
  #keep(keys) {
    for (const key of this.#blocks.keys()) if (!keys.includes(key)) this.#blocks.delete(key);
  }

  /** @param {string} call @param {"pause" | "resume"} action @param {string} [reason] */
  async #ask(call, action, reason) {
    const agent = this.getAttribute("agent");
    try {
      await this.#live?.command(call, action, { reason: /** @type {any} */ (reason) });
    } catch (error) {
      if (this.getAttribute("agent") !== agent) return;
      const doing = action === "pause" ? this.#words.pausing : this.#words.resuming;
      const said = `${doing}: ${this.#words.failed} (${error instanceof Error ? error.message : error})`;
      this.#block(call).fail(said);
      this.#say(said);
    }
  }

  /** Tell the page and whoever listens, when it is another thing. @param {Shown} shown */
  #tell(shown) {
    const told = JSON.stringify(shown);
    if (told === this.#told) return;
    this.#told = told;
    this.#say(this.#spoken(shown));
    this.dispatchEvent(new CustomEvent("recordingstatechange", { detail: shown, bubbles: true, composed: true }));
  }

  /** @param {Shown} shown */
  #spoken({ state, active }) {
    const command = active[0]?.command;
    const step = command ? `, ${this.#words[/** @type {keyof Words} */ (command.stage === "refused" ? "failed" : command.stage)]}` : "";
    return this.#words[state] + step;
  }

  /** @param {string} said */
  #say(said) {
    if (said === this.#said) return;
    this.#said = said;
    this.#status.textContent = said;
  }
}

/** @param {Element} parent @param {Element[]} wanted In this order; what is there stays. */
function place(parent, wanted) {
  const there = [...parent.children];
  if (there.length === wanted.length && there.every((child, index) => child === wanted[index])) return;
  parent.replaceChildren(...wanted);
}
