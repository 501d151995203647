/** The socket: it comes back when it is lost, later and later, until it may not. */

import { EXPIRED, RIGHTS_CHANGED, UNAUTHORIZED, isFinal, pauseMs } from "./backoff.js";
import { PositionLostError, ProblemError, RefusedError } from "./errors.js";
import { SUBSCRIPTION } from "./follower.js";
import { rightsOf } from "./token.js";

/** @import {Follower, Json, Message} from "./follower.js" */

/** @typedef {string | null | (() => string | null | Promise<string | null>)} Token */

const SUBPROTOCOL = "tracker.v1";
const LOOK_MS = 5_000;
const PING_AFTER_MS = 15_000;
const GIVE_UP_AFTER_MS = 25_000;
const RENEW_BEFORE_MS = 60_000;
const RETRYABLE = [429, 503];

/**
 * @typedef {object} Surroundings What a test may replace.
 * @property {typeof WebSocket} [WebSocket]
 * @property {() => number} [random]
 */

export class Connection {
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {string | null} */
  #token = null;
  /** @type {{token: string | null, code: number, reason: string} | null} No good any more. */
  #refused = null;
  #failures = 0;
  #closed = false;
  #heardAt = 0;
  /** By the server's clock, in ms; 0 = never. */
  #expires = 0;
  /** @type {number | null} How far the server's clock is ahead. */
  #aheadMs = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #again = undefined;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #renewal = undefined;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #look = undefined;

  /**
   * @param {string} url `ws://` or `wss://`.
   * @param {Token} token Asked for before every connection, and before it expires.
   * @param {Follower} follower What to ask for and how to understand it.
   * @param {(message: Message) => void} tell Is told everything that *follower* understands.
   * @param {(frame: Json) => void} answer Is told what commands are answered.
   * @param {Surroundings} [surroundings]
   */
  constructor(url, token, follower, tell, answer, surroundings = {}) {
    this.url = url;
    this.token = token;
    this.follower = follower;
    this.tell = tell;
    this.answer = answer;
    this.WebSocket = surroundings.WebSocket ?? globalThis.WebSocket;
    this.random = surroundings.random ?? Math.random;
    this.retry = () => this.#retry();
    globalThis.addEventListener?.("online", this.retry);
    this.#open();
  }

  /**
   * Send *frame*; false = there is no connection.
   *
   * @param {Json} frame
   */
  send(frame) {
    if (this.#socket?.readyState !== 1) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** Have a newer token asked for and shown, without a gap. */
  async renew() {
    const socket = this.#socket;
    try {
      const token = await this.#ask();
      if (socket !== this.#socket || !token || !this.send({ op: "auth", token })) return;
      this.#token = token;
    } catch {
      // the old one still counts; when it has expired, it is asked for again
    }
  }

  /**
   * End it.
   *
   * @param {Error | null} [error] Why, unless it was wanted.
   */
  close(error = null) {
    if (this.#closed) return;
    this.#closed = true;
    globalThis.removeEventListener?.("online", this.retry);
    this.#drop();
    clearTimeout(this.#again);
    this.tell({ kind: "ended", error });
  }

  async #ask() {
    return (typeof this.token === "function" ? await this.token() : this.token) ?? null;
  }

  async #open() {
    this.#again = undefined;
    let token;
    try {
      token = await this.#ask();
    } catch (error) {
      this.#lose(`no access token: ${error instanceof Error ? error.message : error}`);
      return;
    }
    if (this.#closed) return;
    if (token === this.#refused?.token) {
      const { code, reason } = this.#refused;
      if (isFinal(code)) this.close(new RefusedError(code, reason));
      else this.#lose(reason, 0, true);
      return;
    }
    if (rightsOf(token) !== rightsOf(this.#token)) this.follower.forget();
    this.#token = token;
    this.#connect();
  }

  #connect() {
    const socket = new this.WebSocket(this.url, [SUBPROTOCOL]);
    this.#socket = socket;
    this.#heardAt = Date.now();
    this.#look = setInterval(() => this.#watch(), LOOK_MS);
    socket.onopen = () => {
      if (this.#token) this.send({ op: "auth", token: this.#token });
      this.send(this.follower.subscribe());
    };
    socket.onmessage = ({ data }) => {
      this.#heardAt = Date.now();
      this.#receive(data);
    };
    socket.onclose = ({ code, reason }) => this.#end(code, reason);
  }

  /** A peer that says nothing is asked, and given up. */
  #watch() {
    const silentMs = Date.now() - this.#heardAt;
    if (silentMs > GIVE_UP_AFTER_MS) this.#lose("the server says nothing");
    else if (silentMs > PING_AFTER_MS) this.send({ op: "ping" });
  }

  /** @param {string} text */
  #receive(text) {
    let message = null;
    try {
      const frame = JSON.parse(text);
      if (frame.op === "result" && frame.of === "auth") this.#authorised(frame.expires_at);
      else if (isAnswer(frame)) this.answer(frame);
      else message = this.follower.receive(frame);
    } catch (error) {
      this.#refuse(error);
    }
    if (message?.kind === "begun") {
      this.#failures = 0;
      this.#refused = null;
    }
    if (message?.kind === "mark") this.#setClock(message.serverTime);
    if (message) this.tell(message);
  }

  /** @param {unknown} error */
  #refuse(error) {
    if (error instanceof ProblemError && RETRYABLE.includes(error.status)) {
      this.#lose(error.message, error.status);
    } else if (error instanceof ProblemError || error instanceof PositionLostError) {
      this.close(error);
    } else {
      this.close(new RefusedError(0, "it does not speak as tracker does"));
    }
  }

  /** @param {string | undefined} expiresAt */
  #authorised(expiresAt) {
    const expires = expiresAt ? Date.parse(expiresAt) : 0;
    if (expires === this.#expires) return; // no newer one was to be had
    this.#expires = expires;
    this.#schedule();
  }

  /** @param {number} serverTime */
  #setClock(serverTime) {
    const first = this.#aheadMs === null;
    this.#aheadMs = serverTime - Date.now();
    if (first) this.#schedule();
  }

  /** Renew the token a minute before its end, or when half of what is left is over. */
  #schedule() {
    clearTimeout(this.#renewal);
    if (!this.#expires || typeof this.token !== "function") return;
    const leftMs = this.#expires - Date.now() - (this.#aheadMs ?? 0);
    const delayMs = Math.max(1_000, leftMs - RENEW_BEFORE_MS, Math.min(leftMs / 2, RENEW_BEFORE_MS));
    this.#renewal = setTimeout(() => this.renew(), Math.min(delayMs, 2 ** 31 - 1));
  }

  /** @param {number} code @param {string} reason */
  #end(code, reason) {
    const wantsToken = code === UNAUTHORIZED || code === EXPIRED;
    const renewable = wantsToken && typeof this.token === "function" && this.#token !== null;
    if (isFinal(code) && !renewable) {
      this.close(new RefusedError(code, reason));
      return;
    }
    if (wantsToken) this.#refused = { token: this.#token, code, reason };
    if (code === RIGHTS_CHANGED) this.follower.forget();
    const lost = code === 1006 ? "the connection is lost" : `closed with ${code}`;
    this.#lose(reason || lost, code);
  }

  /** @param {string} reason @param {number} [code] @param {boolean} [wantsToken] */
  #lose(reason, code = 0, wantsToken = false) {
    if (this.#closed) return;
    this.#drop();
    this.#failures += 1;
    this.tell({ kind: "lost", reason, wantsToken });
    this.#again = setTimeout(() => this.#open(), pauseMs(this.#failures, this.random(), code));
  }

  /** Come back at once, if it waits: the network is there again. */
  #retry() {
    if (this.#again === undefined) return;
    clearTimeout(this.#again);
    this.#open();
  }

  #drop() {
    clearInterval(this.#look);
    clearTimeout(this.#renewal);
    const socket = this.#socket;
    this.#socket = null;
    this.#expires = 0;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }
}

/**
 * Whether *frame* is about something else than the subscription.
 *
 * @param {Json} frame
 */
function isAnswer(frame) {
  return frame.op === "result" || (frame.op === "error" && frame.id !== SUBSCRIPTION);
}
