/**
 * One subscription as its client sees it: what to ask for, and what each frame means.
 *
 * No I/O. The cursor moves on with every event, so that a resume repeats nothing; what a
 * server repeats all the same is left out.
 */

import { Cursor, parsePosition } from "./cursor.js";
import { PositionLostError, ProblemError } from "./errors.js";

/** @typedef {Record<string, any>} Json */

/**
 * @typedef {object} Filter Between fields *and*, within a field *or*.
 * @property {string[]} [providers]
 * @property {string[]} [accounts] `provider/account`.
 * @property {string[]} [teams]
 * @property {string[]} [agents]
 * @property {string[]} [calls] Calls' keys.
 * @property {("recording"|"paused"|"stopped"|"unknown")[]} [states]
 * @property {string[]} [types] Event types.
 * @property {string[]} [issues]
 */

/**
 * @typedef {{kind: "begun", fresh: boolean}} Begun *fresh*: what was known is void.
 * @typedef {{kind: "page", calls: Json[], sources: Json[], accounts: Json[], last: boolean}} Page
 * @typedef {{kind: "event", event: Json}} Event
 * @typedef {{kind: "removed", key: string, version: number}} Removed
 * @typedef {{kind: "mark", live: boolean, serverTime: number}} Mark How current all of it is.
 * @typedef {{kind: "lost", reason: string, wantsToken: boolean}} Lost The connection is gone, and comes back; *wantsToken*: not before there is another access token.
 * @typedef {{kind: "ended", error: Error | null}} Ended It does not come back.
 * @typedef {Begun | Page | Event | Removed | Mark | Lost | Ended} Message
 */

export const SUBSCRIPTION = "1";

export class Follower {
  /**
   * @param {Filter} filter
   * @param {object} [options]
   * @param {string} [options.since] A cursor to begin at; without it: now.
   * @param {boolean} [options.snapshot] Be told what there is, at first and after a loss.
   * @param {number} [options.conflateMs] Be told each entity's latest only, so often.
   */
  constructor(filter, { since, snapshot = false, conflateMs } = {}) {
    /** @type {Cursor | null} Everything up to it has been told. */
    this.cursor = since === undefined ? null : Cursor.parse(since);
    this.filter = filter;
    this.snapshot = snapshot;
    this.conflateMs = conflateMs;
    /** @type {Cursor | null} */
    this.beginning = null;
    this.subscribed = false;
  }

  /** The frame to send on a new connection. */
  subscribe() {
    this.beginning = null;
    this.subscribed = false;
    return {
      op: "subscribe",
      id: SUBSCRIPTION,
      filter: this.filter,
      snapshot: this.snapshot,
      ...(this.cursor && { since: String(this.cursor) }),
      ...(this.conflateMs && { conflate_ms: this.conflateMs }),
    };
  }

  /** Other things may be seen from now on: what is known of them is void. */
  forget() {
    if (this.snapshot) this.cursor = null;
  }

  /**
   * What a frame of the server means; null = nothing new.
   *
   * @param {Json} frame
   * @returns {Message | null}
   * @throws {PositionLostError} Without snapshots: events are missing.
   * @throws {ProblemError} The subscription cannot be followed.
   */
  receive(frame) {
    switch (frame.op) {
      case undefined:
        return this.#event(frame);
      case "subscribed":
        return this.#begin(frame);
      case "snapshot":
        return this.#page(frame);
      case "removed":
        return { kind: "removed", key: frame.key, version: frame.version };
      case "cursor":
        return this.#mark(frame);
      case "error":
        throw new ProblemError(/** @type {any} */ (frame));
      default:
        return null; // a newer server may say more
    }
  }

  /** @param {Json} event @returns {Event | null} */
  #event(event) {
    const position = parsePosition(event.id);
    if (this.cursor === null || this.cursor.covers(position)) return null;
    this.cursor = this.cursor.advance(position);
    return { kind: "event", event };
  }

  /** @param {Json} frame @returns {Begun} */
  #begin(frame) {
    this.subscribed = true;
    if (frame.recovered) return { kind: "begun", fresh: false };
    const cursor = Cursor.parse(frame.cursor);
    if (this.snapshot) {
      this.cursor = null;
      this.beginning = cursor;
    } else if (this.cursor !== null) {
      throw new PositionLostError();
    } else {
      this.cursor = cursor;
    }
    return { kind: "begun", fresh: true };
  }

  /** @param {Json} frame @returns {Page} */
  #page(frame) {
    const last = !frame.more;
    if (last) this.cursor = this.beginning;
    const { calls, sources, accounts } = frame;
    return { kind: "page", calls, sources, accounts, last };
  }

  /**
   * The server's place is this client's only once it tells it everything.
   *
   * @param {Json} frame
   * @returns {Mark | null}
   */
  #mark(frame) {
    if (!this.subscribed) return null;
    if (this.cursor !== null) this.cursor = Cursor.parse(frame.cursor);
    return { kind: "mark", live: frame.live, serverTime: Date.parse(frame.server_time) };
  }
}
