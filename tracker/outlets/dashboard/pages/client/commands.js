/** Commands under way: each is asked for once, and followed to its end. */

import { ProblemError, UnansweredError } from "./errors.js";

/** @import {Json} from "./follower.js" */

/**
 * @typedef {object} Asked What may be said about a command.
 * @property {string} [agent] Whose leg; without it, every leg that needs it.
 * @property {"payment" | "personal_data" | "consent_withdrawn" | "other"} [reason]
 * @property {number} [deadlineS] From the sending to the last look, 1 to 120.
 * @property {Record<string, string | number | boolean>} [options] What only the platform understands.
 * @property {string} [idempotencyKey] The same again asks once; without it, a new one.
 * @property {(command: Json) => void} [onStage] Is told each stage as it comes.
 */

const ANSWER_MS = 10_000;
const SETTLED = ["confirmed", "unconfirmed", "contradicted", "refused"];

/** @param {Json} command */
export function isSettled(command) {
  return SETTLED.includes(command.stage);
}

/** One that is under way. */
class Pending {
  /** @type {string | null} Its id, once it is taken. */
  id = null;
  /** @type {Json | null} As it was last seen. */
  seen = null;

  /**
   * @param {Json} frame
   * @param {Asked} asked
   * @param {PromiseWithResolvers<Json>} outcome
   */
  constructor(frame, asked, outcome) {
    this.frame = frame;
    this.asked = asked;
    this.outcome = outcome;
  }

  /** @param {Json} command */
  show(command) {
    if (this.seen?.stage === command.stage) return;
    if (this.seen && isSettled(this.seen)) return;
    this.seen = command;
    this.asked.onStage?.(command);
  }

  /**
   * Whether nothing more will be told of it, now that *call* is all there is.
   *
   * @param {Json | undefined} call
   */
  isLost(call) {
    if (this.id === null || this.seen === null || isSettled(this.seen)) return false;
    return !call || (call.command?.id !== this.id && call.command?.requested_at > this.seen.requested_at);
  }
}

export class Commands {
  /** @type {Map<string, Pending>} By the id of its frame. */
  #pending = new Map();
  #count = 0;

  /** @param {(frame: Json) => boolean} send False = there is no connection. */
  constructor(send) {
    this.send = send;
  }

  /**
   * @param {string} call
   * @param {string} action
   * @param {Asked} asked
   * @returns {Promise<Json>} When it is settled.
   * @throws {ProblemError} It was not taken.
   * @throws {UnansweredError} Nobody knows.
   */
  ask(call, action, asked) {
    const id = `c${++this.#count}`;
    const key = asked.idempotencyKey ?? newKey();
    const frame = { op: "command", id, call, action, idempotency_key: key, ...described(asked) };
    const outcome = /** @type {PromiseWithResolvers<Json>} */ (withResolvers());
    const pending = new Pending(frame, asked, outcome);
    this.#pending.set(id, pending);
    this.send(frame);
    // what is asked late would be carried out late: it is never repeated after this
    const timer = setTimeout(() => pending.id === null && this.#fail(id), ANSWER_MS);
    return outcome.promise.finally(() => clearTimeout(timer));
  }

  /**
   * The server has answered an asking.
   *
   * @param {Json} frame A `result` or an `error`.
   */
  answered(frame) {
    const pending = this.#pending.get(frame.id);
    if (!pending) return;
    if (frame.op === "error") {
      this.#pending.delete(frame.id);
      pending.outcome.reject(new ProblemError(/** @type {any} */ (frame)));
    } else {
      pending.id = frame.command.id;
      this.#show(pending, frame.command);
    }
  }

  /**
   * A call has changed, and its newest command may have.
   *
   * @param {Json} call
   */
  told(call) {
    if (this.#pending.size === 0 || !call.command) return;
    for (const pending of this.#pending.values()) {
      if (pending.id === call.command.id) this.#show(pending, call.command);
    }
  }

  /** There is a connection again: ask again what nobody has answered. */
  resume() {
    for (const pending of this.#pending.values()) if (pending.id === null) this.send(pending.frame);
  }

  /**
   * Events were lost, and this is what there is now.
   *
   * @param {ReadonlyMap<string, Json>} calls
   */
  restart(calls) {
    for (const [id, pending] of [...this.#pending]) {
      const call = calls.get(pending.frame.call);
      if (call) this.told(call);
      if (pending.isLost(call)) this.#fail(id);
    }
    this.resume();
  }

  /** There will be no connection any more. */
  end() {
    for (const id of [...this.#pending.keys()]) this.#fail(id);
  }

  /** @param {Pending} pending @param {Json} command */
  #show(pending, command) {
    pending.show(command);
    if (!isSettled(command)) return;
    this.#pending.delete(pending.frame.id);
    pending.outcome.resolve(command);
  }

  /** @param {string} id */
  #fail(id) {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.outcome.reject(new UnansweredError(pending.frame.idempotency_key));
  }
}

/** @param {Asked} asked */
function described({ agent, reason, deadlineS, options }) {
  const said = { agent, reason, deadline_s: deadlineS, options };
  return Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
}

/** Also where `crypto.randomUUID` is not: on pages that came over plain HTTP. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** `Promise.withResolvers`, which browsers have only since 2024. */
function withResolvers() {
  /** @type {Partial<PromiseWithResolvers<unknown>>} */
  const outcome = {};
  outcome.promise = new Promise((resolve, reject) => Object.assign(outcome, { resolve, reject }));
  return outcome;
}
