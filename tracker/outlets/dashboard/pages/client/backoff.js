/** When to come back, and when not to. */

const FIRST_MS = 500;
const LONGEST_MS = 30_000;

export const EXPIRED = 4009;
export const RIGHTS_CHANGED = 4010;
export const UNAUTHORIZED = 4503;

/**
 * By close code or status: how many times `FIRST_MS` a first pause has, so that
 * thousands who lost the same server do not come back as one. 0: the first time only
 * another token, or another subscription, was wanted.
 */
const SPARING = new Map([
  [4001, 4],
  [4008, 2],
  [EXPIRED, 0],
  [RIGHTS_CHANGED, 0],
  [4011, 4],
  [4029, 20],
  [429, 20],
  [503, 4],
]);

/**
 * How long to wait after so many *failures* in a row.
 *
 * @param {number} failures From 1.
 * @param {number} luck Uniform in [0, 1): it takes away up to half.
 * @param {number} [code] Of the last close, or of the last answer; 0 = neither came.
 */
export function pauseMs(failures, luck, code = 0) {
  const sparing = SPARING.get(code) ?? 1;
  if (failures === 1 && sparing === 0) return 0;
  const first = FIRST_MS * (sparing || 1);
  const longest = Math.min(LONGEST_MS, first * 2 ** Math.min(failures - 1, 16));
  return longest * (0.5 + luck / 2);
}

/**
 * Whether a close *code* means: do not come back, as you are.
 *
 * @param {number} code
 */
export function isFinal(code) {
  return code >= 4500 && code < 5000;
}
