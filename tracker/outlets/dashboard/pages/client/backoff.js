/** When to come back, and when not to. */

const FIRST_MS = 500;
const LONGEST_MS = 30_000;

/**
 * How long to wait after so many *failures* in a row.
 *
 * @param {number} failures From 1.
 * @param {number} luck Uniform in [0, 1): it takes away up to half.
 */
export function pauseMs(failures, luck) {
  const longest = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 16));
  return longest * (0.5 + luck / 2);
}

export const EXPIRED = 4009;
export const RIGHTS_CHANGED = 4010;
export const UNAUTHORIZED = 4503;

/**
 * Whether a close *code* means: do not come back, as you are.
 *
 * @param {number} code
 */
export function isFinal(code) {
  return code >= 4500 && code < 5000;
}
