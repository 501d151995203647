/** What can go wrong, by who must act. */

/** The server does not want us as we are: coming back would not help. */
export class RefusedError extends Error {
  /**
   * @param {number} code A close code, or an HTTP status.
   * @param {string} message The server's reason.
   */
  constructor(code, message) {
    super(message);
    this.name = "RefusedError";
    this.code = code;
  }
}

/** Events are missing and cannot be had: take a snapshot and go on from there. */
export class PositionLostError extends Error {
  constructor() {
    super("events are missing: take a snapshot and go on from there");
    this.name = "PositionLostError";
  }
}

/** The server says no to what was asked (RFC 9457). */
export class ProblemError extends Error {
  /** @param {{status: number, title?: string, detail?: string, type?: string}} problem */
  constructor(problem) {
    super(problem.detail || problem.title || `HTTP ${problem.status}`);
    this.name = "ProblemError";
    this.status = problem.status;
    this.problem = problem;
  }
}

/** Nobody knows whether a command was taken; the same key may be asked again. */
export class UnansweredError extends Error {
  /** @param {string} idempotencyKey */
  constructor(idempotencyKey) {
    super("nobody answered: it is not known what became of the command");
    this.name = "UnansweredError";
    this.idempotencyKey = idempotencyKey;
  }
}
