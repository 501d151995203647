/** A map of live calls that keeps itself up to date. */

import { UNAUTHORIZED } from "./backoff.js";
import { Commands } from "./commands.js";
import { RefusedError } from "./errors.js";

/** @import {Connection} from "./connection.js" */
/** @import {Json, Message, Page} from "./follower.js" */
/** @import {Asked} from "./commands.js" */

/** @typedef {"call" | "source" | "account"} Kind */

/** @type {readonly Kind[]} */
const KINDS = ["call", "source", "account"];

export const GRACE_MS = 10_000;

/**
 * @typedef {object} Clock
 * @property {() => number} steady Milliseconds; may stand still while a machine sleeps.
 * @property {() => number} wall Milliseconds since 1970; may jump.
 */

/** @type {Clock} */
const CLOCK = { steady: () => performance.now(), wall: () => Date.now() };

/**
 * What there is, as far as known.
 *
 * Events (of a DOM's `EventTarget`): `change` with `{kind, key, entity, event}` in its
 * `detail`, *entity* null when it is gone and *event* the CloudEvent that tells of it;
 * `reset` when everything is new; `status` when `connected`, `live`, `current` or
 * `reason` are; `ended` when it will not come back.
 */
export class LiveCalls extends EventTarget {
  /** @type {Connection | null} */
  #connection = null;
  /** @type {Record<Kind, Map<string, Json>>} */
  #known = nothing();
  /** @type {Record<Kind, Map<string, Json>> | null} */
  #coming = null;
  #told = "";
  #mark = { live: false, serverTime: 0, steady: 0, wall: 0 };
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #grace = undefined;

  /** @param {{graceMs?: number, clock?: Clock}} [options] */
  constructor({ graceMs = GRACE_MS, clock = CLOCK } = {}) {
    super();
    this.graceMs = graceMs;
    this.clock = clock;
    /** There is a connection, and its snapshot is whole. */
    this.connected = false;
    /** The server says that what it tells is current. */
    this.live = false;
    /** Why there is no connection; empty when there is one. */
    this.reason = "connecting";
    /** @type {Error | null} Why it will not come back. */
    this.error = null;
    /** The server wants an access token, or another one, before anything else. */
    this.wantsToken = false;
    this.commands = new Commands((frame) => this.#connection?.send(frame) ?? false);
  }

  /** @param {Connection} connection */
  attach(connection) {
    this.#connection = connection;
  }

  /** Snapshots of live calls by key. @returns {ReadonlyMap<string, Json>} */
  get calls() {
    return this.#known.call;
  }

  /** Snapshots of sources by key. @returns {ReadonlyMap<string, Json>} */
  get sources() {
    return this.#known.source;
  }

  /** Snapshots of accounts by key. @returns {ReadonlyMap<string, Json>} */
  get accounts() {
    return this.#known.account;
  }

  /**
   * Whether the states may be believed; if not, every one of them is unknown.
   *
   * They may until the server says otherwise or has said nothing for the grace. What it
   * says is complete only at its `cursor` frames, so nothing else counts.
   */
  get current() {
    const { live, steady, wall } = this.#mark;
    const silentMs = Math.max(this.clock.steady() - steady, this.clock.wall() - wall);
    return live && silentMs < this.graceMs;
  }

  /** The time by the server's clock, in ms since 1970: ages count by it. */
  now() {
    const { serverTime, steady } = this.#mark;
    return serverTime ? serverTime + this.clock.steady() - steady : this.clock.wall();
  }

  /** When all of it was current for the last time, by the server's clock; 0 = never. */
  get asOf() {
    return this.#mark.serverTime;
  }

  /**
   * Ask for a command over the same connection; its end is told by events, so only of
   * a call that the map's filter lets in.
   *
   * @param {string} call Its key.
   * @param {"start" | "stop" | "pause" | "resume"} action
   * @param {Asked} [asked]
   * @returns {Promise<Json>} The command when it is settled: only the stage `confirmed`
   *   is a success.
   * @throws {import("./errors.js").ProblemError} It was not taken.
   * @throws {import("./errors.js").UnansweredError} Nothing told how it ended.
   */
  command(call, action, asked = {}) {
    return this.commands.ask(call, action, asked);
  }

  /** Show a newer access token now: have it asked for. */
  async renew() {
    await this.#connection?.renew();
  }

  /** End it; what is known stays, and is no longer current. */
  close() {
    this.#connection?.close();
  }

  /** @param {Message} message */
  apply(message) {
    switch (message.kind) {
      case "begun":
        this.#coming = message.fresh ? nothing() : null;
        this.connected = !message.fresh;
        this.wantsToken = false;
        this.reason = message.fresh ? "reading what there is" : "";
        if (this.connected) this.commands.resume();
        break;
      case "page":
        this.#page(message);
        break;
      case "event":
        this.#event(message.event);
        break;
      case "removed":
        this.#remove(message.key, message.version);
        break;
      case "mark":
        this.#setMark(message.live, message.serverTime);
        break;
      case "lost":
        this.connected = false;
        this.reason = message.reason;
        this.wantsToken = message.wantsToken;
        break;
      case "ended":
        this.#end(message.error);
        break;
    }
    this.#status();
  }

  /** @param {boolean} live @param {number} serverTime */
  #setMark(live, serverTime) {
    this.live = live;
    this.#mark = { live, serverTime, steady: this.clock.steady(), wall: this.clock.wall() };
    clearTimeout(this.#grace);
    if (live) this.#grace = setTimeout(() => this.#status(), this.graceMs);
  }

  /** @param {Error | null} error */
  #end(error) {
    clearTimeout(this.#grace);
    this.connected = this.live = this.#mark.live = false;
    this.error = error;
    this.wantsToken = error instanceof RefusedError && error.code === UNAUTHORIZED;
    this.reason = error?.message ?? "closed";
    this.commands.end();
    this.dispatchEvent(new CustomEvent("ended", { detail: error }));
  }

  /** @param {Page} page */
  #page(page) {
    const coming = this.#coming;
    if (coming === null) return;
    const lists = { call: page.calls, source: page.sources, account: page.accounts };
    for (const kind of KINDS) for (const item of lists[kind]) coming[kind].set(item.key, item);
    if (!page.last) return;
    this.#known = coming;
    this.#coming = null;
    this.connected = true;
    this.reason = "";
    this.dispatchEvent(new CustomEvent("reset"));
    this.commands.restart(this.calls);
  }

  /** @param {Json} event */
  #event(event) {
    const kind = KINDS.find((name) => event.data[name]);
    if (!kind) return;
    const item = event.data[kind];
    const known = this.#known[kind].get(item.key);
    if (known && known.version > item.version) return;
    const over = kind === "call" && item.call.state === "ended";
    if (over) this.#known[kind].delete(item.key);
    else this.#known[kind].set(item.key, item);
    if (kind === "call") this.commands.told(item);
    this.#change(kind, item.key, over ? null : item, event);
  }

  /** @param {string} key @param {number} version */
  #remove(key, version) {
    for (const kind of KINDS) {
      const known = this.#known[kind].get(key);
      if (known && known.version <= version) {
        this.#known[kind].delete(key);
        this.#change(kind, key, null, null);
        return;
      }
    }
  }

  /** @param {Kind} kind @param {string} key @param {Json | null} entity @param {Json | null} event */
  #change(kind, key, entity, event) {
    this.dispatchEvent(new CustomEvent("change", { detail: { kind, key, entity, event } }));
  }

  #status() {
    const told = `${this.connected} ${this.live} ${this.current} ${this.wantsToken} ${this.reason}`;
    if (told === this.#told) return;
    this.#told = told;
    this.dispatchEvent(new CustomEvent("status"));
  }
}

/** @returns {Record<Kind, Map<string, Json>>} */
function nothing() {
  return { call: new Map(), source: new Map(), account: new Map() };
}
