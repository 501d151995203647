/** What all views share: the live calls, ready to be shown, and when to show them anew. */

import { Tracker } from "../client.js";
import { Entries } from "./attention.js";
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
    this.entries = new Entries();
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
    setTimeout(() => this.#prepare(), waitMs);
  }

  /** Sort before the frame, which has enough to do. */
  #prepare() {
    this.entries.order();
    requestAnimationFrame(() => this.#refresh());
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
      if (entity) this.entries.put(entity);
      else this.entries.drop(key);
      if (event) this.dispatchEvent(new CustomEvent("call", { detail: event }));
    }
    this.touch();
  }

  #reset() {
    this.entries.clear();
    for (const call of this.live.calls.values()) this.entries.put(call);
    this.touch();
  }
}
