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
const DEADLINE_S = 15; // the server's, when none is asked for
const GRACE_MS = 10_000; // a command waits before it is sent, and its end is under way
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
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  timer = undefined;

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

  /** How long its next stage may take: what the filter leaves out is never told. */
  get patienceMs() {
    return (this.asked.deadlineS ?? DEADLINE_S) * 1000 + GRACE_MS;
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
   * @throws {UnansweredError} It is not known whether it was taken, or how it ended.
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
    this.#wait(pending, ANSWER_MS);
    return outcome.promise;
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
      this.#forget(pending);
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
    for (const pending of [...this.#pending.values()]) {
      const call = calls.get(pending.frame.call);
      if (call) this.told(call);
      if (pending.isLost(call)) this.#fail(pending);
    }
    this.resume();
  }

  /** There will be no connection any more. */
  end() {
    for (const pending of [...this.#pending.values()]) this.#fail(pending);
  }

  /** @param {Pending} pending @param {Json} command */
  #show(pending, command) {
    if (pending.seen?.stage !== command.stage) this.#wait(pending, pending.patienceMs);
    pending.show(command);
    if (!isSettled(command)) return;
    this.#forget(pending);
    pending.outcome.resolve(command);
  }

  /** Fail unless more is told of it in time. @param {Pending} pending @param {number} ms */
  #wait(pending, ms) {
    clearTimeout(pending.timer);
    pending.timer = setTimeout(() => this.#fail(pending), ms);
  }

  /** @param {Pending} pending */
  #forget(pending) {
    clearTimeout(pending.timer);
    this.#pending.delete(pending.frame.id);
  }

  /** @param {Pending} pending */
  #fail(pending) {
    this.#forget(pending);
    const { call, idempotency_key } = pending.frame;
    pending.outcome.reject(new UnansweredError(idempotency_key, pending.id && `calls/${call}/commands/${pending.id}`));
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
