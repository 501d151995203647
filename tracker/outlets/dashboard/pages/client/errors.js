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

/**
 * It is not known what became of a command. Without a *path*, not even whether it was
 * taken: the same key may be asked again.
 */
export class UnansweredError extends Error {
  /**
   * @param {string} idempotencyKey
   * @param {string | null} [path] Of a command that was taken, for `Tracker.ask`.
   */
  constructor(idempotencyKey, path = null) {
    const taken = `it was taken, but nothing told how it ended: GET /v1/${path} does`;
    super(path ? taken : "nobody answered: it is not known what became of the command");
    this.name = "UnansweredError";
    this.idempotencyKey = idempotencyKey;
    this.path = path;
  }
}
