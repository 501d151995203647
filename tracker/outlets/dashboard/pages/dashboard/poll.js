/** Reading over HTTP what no stream tells, again and again while somebody looks. */

import { ProblemError } from "../client.js";
import { el, setText } from "./dom.js";

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

  /**
   * @param {import("./desk.js").Desk} desk
   * @param {(signal: AbortSignal) => Promise<Told>} read
   * @param {(told: Told) => void} show
   */
  constructor(desk, read, show) {
    this.read = read;
    this.show = show;
    /** Why what is shown may be old. */
    this.problem = el("p", { class: "bad", role: "alert", hidden: true });
    const { signal } = this.#ending;
    document.addEventListener("visibilitychange", () => this.again(), { signal });
    desk.session.addEventListener("change", () => this.again(), { signal });
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
    try {
      const told = await this.read(signal);
      if (signal.aborted) return;
      this.problem.hidden = true;
      this.show(told);
    } catch (error) {
      if (signal.aborted) return;
      this.problem.hidden = false;
      setText(this.problem, sentenceOf(error));
    }
    this.#next = setTimeout(() => this.again(), EVERY_MS);
  }
}

/**
 * What went wrong, for people.
 *
 * @param {unknown} error
 */
export function sentenceOf(error) {
  if (error instanceof ProblemError) return sentence(error.message);
  console.warn(error);
  return "tracker does not answer.";
}

/** @param {string} text */
function sentence(text) {
  return text.endsWith(".") ? text : `${text}.`;
}
