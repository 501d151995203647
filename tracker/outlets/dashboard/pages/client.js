/**
 * The JavaScript client of tracker: events exactly once, a live map of calls, commands.
 *
 *     import { Tracker } from "https://tracker.example/client.js";
 *
 *     const tracker = new Tracker({ token: () => fetchToken() });
 *     for await (const event of tracker.events({ states: ["paused"] })) console.log(event);
 *
 * It has no dependencies, and runs in browsers and in Node 22.
 */

import { Connection } from "./client/connection.js";
import { ProblemError } from "./client/errors.js";
import { Follower } from "./client/follower.js";
import { LiveCalls } from "./client/live.js";

/** @import {Surroundings, Token} from "./client/connection.js" */
/** @import {Filter, Json, Message} from "./client/follower.js" */
/** @import {Asked} from "./client/commands.js" */

export { Cursor, parsePosition } from "./client/cursor.js";
export * from "./client/errors.js";
export { isSettled } from "./client/commands.js";
export { GRACE_MS, LiveCalls } from "./client/live.js";
export { mayHave } from "./client/token.js";

/** A server, and who asks it. */
export class Tracker {
  /**
   * @param {object} [options]
   * @param {string | URL} [options.url] Of the server; without it, where this module is from.
   * @param {Token} [options.token] An access token, or what fetches one: it is called
   *   before every connection and before the old one expires. Never put into a URL.
   * @param {Surroundings} [options.surroundings]
   */
  constructor({ url, token = null, surroundings } = {}) {
    this.url = new URL(url ?? new URL(".", import.meta.url));
    if (!this.url.pathname.endsWith("/")) this.url.pathname += "/";
    this.token = token;
    this.surroundings = surroundings;
  }

  /**
   * Events as CloudEvents, each exactly once, also when connections break.
   *
   * @param {Filter} [filter]
   * @param {object} [options]
   * @param {string} [options.since] A cursor; without it: from now on.
   * @param {AbortSignal} [options.signal] Ends it.
   * @returns {AsyncGenerator<Json, void, void>}
   * @throws {import("./client/errors.js").PositionLostError} What came next is gone.
   * @throws {import("./client/errors.js").RefusedError} The server will not have us.
   */
  async *events(filter = {}, { since, signal } = {}) {
    /** @type {Message[]} */
    const waiting = [];
    let wake = () => {};
    const tell = (/** @type {Message} */ message) => {
      if (message.kind === "event" || message.kind === "ended") waiting.push(message);
      wake();
    };
    const connection = this.#connect(new Follower(filter, { since }), tell, () => {});
    const stop = () => connection.close();
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) stop();
    try {
      for (;;) {
        const message = waiting.shift();
        if (message?.kind === "event") yield message.event;
        else if (message?.kind === "ended" && message.error) throw message.error;
        else if (message?.kind === "ended") return;
        else await new Promise((resolve) => (wake = () => resolve(undefined)));
      }
    } finally {
      signal?.removeEventListener("abort", stop);
      stop();
    }
  }

  /**
   * The map of live calls, which keeps itself up to date until it is closed.
   *
   * @param {Filter} [filter] Its `types` must not be set.
   * @param {object} [options]
   * @param {number} [options.conflateMs] Be told each call's latest only, so often.
   * @param {number} [options.graceMs] How long the server may say nothing: `LiveCalls.current`.
   */
  calls(filter = {}, { conflateMs, graceMs } = {}) {
    const live = new LiveCalls({ graceMs });
    const follower = new Follower(filter, { snapshot: true, conflateMs });
    const tell = (/** @type {Message} */ message) => live.apply(message);
    live.attach(this.#connect(follower, tell, (frame) => live.commands.answered(frame)));
    return live;
  }

  /**
   * Ask for a command on a call and wait for its end.
   *
   * @param {string} call Its key.
   * @param {"start" | "stop" | "pause" | "resume"} action
   * @param {Asked} [asked]
   * @returns {Promise<Json>} Only the stage `confirmed` is a success.
   * @throws {ProblemError} It was not taken.
   * @throws {import("./client/errors.js").UnansweredError} Nobody knows.
   */
  async command(call, action, asked = {}) {
    const live = this.calls({ calls: [call] });
    try {
      return await live.command(call, action, asked);
    } catch (error) {
      throw live.error ?? error;
    } finally {
      live.close();
    }
  }

  /**
   * What HTTP answers at *path*; a body is sent as JSON.
   *
   * @param {string} path Below `/v1/`; keys are percent-encoded already.
   * @param {{method?: string, body?: Json, signal?: AbortSignal}} [options]
   * @returns {Promise<Response>}
   * @throws {ProblemError} It says no.
   */
  async ask(path, { method = "GET", body, signal } = {}) {
    const token = typeof this.token === "function" ? await this.token() : this.token;
    /** @type {Record<string, string>} */
    const headers = {};
    if (token) headers.Authorization = `Bearer ${token}`;
    if (body) headers["Content-Type"] = "application/json";
    const sent = body && JSON.stringify(body);
    const url = new URL(`v1/${path}`, this.url);
    const answer = await fetch(url, { method, headers, body: sent, signal, credentials: "omit" });
    if (answer.ok) return answer;
    const problem = await answer.json().catch(() => ({}));
    throw new ProblemError({ title: answer.statusText, ...problem, status: answer.status });
  }

  /**
   * @param {Follower} follower
   * @param {(message: Message) => void} tell
   * @param {(frame: Json) => void} answer
   */
  #connect(follower, tell, answer) {
    const url = new URL("v1/stream", this.url);
    url.protocol = url.protocol.replace("http", "ws");
    return new Connection(url.href, this.token, follower, tell, answer, this.surroundings);
  }
}
