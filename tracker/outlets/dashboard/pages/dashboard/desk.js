/** What all views share: the live calls, ready to be shown, and when to show them anew. */

import { Tracker } from "../client.js";
import { Entry } from "./attention.js";
import { Session } from "./session.js";

/** @import {Json} from "../client/follower.js" */
/** @import {LiveCalls} from "../client.js" */

const CONFLATE_MS = 250;
const REFRESH_MS = 250; // the eye sees no more of a table

/**
 * Dispatches `refresh` when there is something new to show, a few times a second at
 * most; `tick` every second; `call` with a CloudEvent in its `detail` for each one about
 * a call; `status` when the connection is another one.
 */
export class Desk extends EventTarget {
  #dirty = false;
  #shownAt = 0;

  constructor() {
    super();
    this.session = new Session();
    this.tracker = new Tracker({ token: () => this.session.token });
    /** @type {Map<string, Entry>} Of live calls, by key. */
    this.entries = new Map();
    this.live = this.#follow();
    this.session.addEventListener("change", () => this.#restart());
    setInterval(() => this.dispatchEvent(new Event("tick")), 1000);
  }

  /** There is a connection and what it tells is current: nothing else may look live. */
  get current() {
    return this.live.connected && this.live.current;
  }

  /** Nobody may look without an access token, or not with this one. */
  get refused() {
    return this.live.wantsToken;
  }

  /** The time by the server's clock. */
  get now() {
    return this.live.now();
  }

  /** Have the views show anew, soon. */
  touch() {
    if (this.#dirty) return;
    this.#dirty = true;
    const waitMs = Math.max(0, this.#shownAt + REFRESH_MS - performance.now());
    setTimeout(() => requestAnimationFrame(() => this.#refresh()), waitMs);
  }

  #refresh() {
    this.#dirty = false;
    this.#shownAt = performance.now();
    this.dispatchEvent(new Event("refresh"));
  }

  #restart() {
    this.live.close();
    this.entries.clear();
    this.live = this.#follow();
    this.dispatchEvent(new Event("status"));
    this.touch();
  }

  /** @returns {LiveCalls} */
  #follow() {
    const live = this.tracker.calls({}, { conflateMs: CONFLATE_MS });
    live.addEventListener("change", (event) => {
      if (live === this.live) this.#change(/** @type {CustomEvent} */ (event).detail);
    });
    live.addEventListener("reset", () => this.#reset());
    live.addEventListener("status", () => {
      if (live !== this.live) return; // it is being closed
      this.dispatchEvent(new Event("status"));
      this.touch();
    });
    return live;
  }

  /** @param {{kind: string, key: string, entity: Json | null, event: Json | null}} change */
  #change({ kind, key, entity, event }) {
    if (kind === "call") {
      if (entity) this.entries.set(key, new Entry(entity));
      else this.#drop(key);
      if (event) this.dispatchEvent(new CustomEvent("call", { detail: event }));
    }
    this.touch();
  }

  /** @param {string} key */
  #drop(key) {
    const entry = this.entries.get(key);
    if (entry) entry.gone = true;
    this.entries.delete(key);
  }

  #reset() {
    for (const entry of this.entries.values()) entry.gone = true;
    this.entries.clear();
    for (const call of this.live.calls.values()) this.entries.set(call.key, new Entry(call));
    this.touch();
  }
}
