/** Who looks: an access token, kept for as long as the browser's tab. */

import { mayHave } from "../client.js";

const NAME = "tracker-token";

/** Dispatches `change` when there is another token. */
export class Session extends EventTarget {
  /** @type {Map<string, boolean>} By scope; asked for every row that is drawn. */
  #may = new Map();

  /** @returns {string | null} */
  get token() {
    return sessionStorage.getItem(NAME);
  }

  /** @param {string | null} token null = forget it. */
  set token(token) {
    if (token) sessionStorage.setItem(NAME, token);
    else sessionStorage.removeItem(NAME);
    this.#may.clear();
    this.dispatchEvent(new Event("change"));
  }

  /** @param {string} scope */
  may(scope) {
    const known = this.#may.get(scope) ?? mayHave(this.token, scope);
    this.#may.set(scope, known);
    return known;
  }
}
