/** Reading over HTTP what no stream tells, again and again while somebody looks. */

import { ProblemError } from "../client.js";
import { el, setText } from "./dom.js";
import { time } from "./words.js";

const EVERY_MS = 3_000;

/**
 * Asks at once, and again a while after each answer; not while the page is hidden.
 *
 * @template Told
 */
export class Poll {
  #ending = new AbortController();
  #asking = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #next = undefined;
  /** When it was answered last, by the server's clock. */
  #asOf = 0;

  /**
   * @param {import("./desk.js").Desk} desk
   * @param {(signal: AbortSignal) => Promise<Told>} read
   * @param {(told: Told) => void} show
   */
  constructor(desk, read, show) {
    this.desk = desk;
    this.read = read;
    this.show = show;
    /** Why what is shown may be old; the view that has it is greyed then. */
    this.problem = el("p", { class: "bad", role: "alert", hidden: true });
    const { signal } = this.#ending;
    document.addEventListener("visibilitychange", () => this.again(), { signal });
    this.again();
  }

  /** Ask now; an answer that is still to come is no longer wanted. */
  again() {
    this.#stop();
    if (!document.hidden) this.#ask((this.#asking = new AbortController()).signal);
  }

  close() {
    this.#ending.abort();
    this.#stop();
  }

  #stop() {
    clearTimeout(this.#next);
    this.#asking.abort();
  }

  /** @param {AbortSignal} signal */
  async #ask(signal) {
    let told;
    let problem = "";
    try {
      told = await this.read(signal);
    } catch (error) {
      const asOf = new Date(this.#asOf).toISOString();
      problem = sentenceOf(error) + (this.#asOf ? ` What is shown is of ${time(asOf, this.desk.now)}.` : "");
    }
    if (signal.aborted) return;
    this.#next = setTimeout(() => this.again(), EVERY_MS);
    this.#say(problem);
    if (told === undefined) return;
    this.#asOf = this.desk.now;
    this.show(told);
  }

  /** @param {string} problem */
  #say(problem) {
    this.problem.hidden = !problem;
    setText(this.problem, problem);
    this.problem.parentElement?.classList.toggle("stale", Boolean(problem));
  }
}

/**
 * What went wrong, for people.
 *
 * @param {unknown} error
 */
export function sentenceOf(error) {
  if (error instanceof ProblemError) return sentence(error.message);
  return "tracker does not answer.";
}

/** @param {string} text */
function sentence(text) {
  return text.endsWith(".") ? text : `${text}.`;
}
