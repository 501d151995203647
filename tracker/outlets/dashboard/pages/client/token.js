/** What a page may read off its own access token. Servers decide; this only foresees. */

const TIMES = new Set(["exp", "iat", "nbf", "jti"]);

/**
 * The claims of a JSON Web Token, unverified; null when it is none.
 *
 * @param {string | null} token
 * @returns {Record<string, unknown> | null}
 */
export function claimsOf(token) {
  try {
    const part = (token ?? "").split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(part), (char) => char.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

/**
 * What a token allows, as a text that changes when that does.
 *
 * @param {string | null} token
 */
export function rightsOf(token) {
  const claims = claimsOf(token);
  if (claims === null) return token ?? "";
  return JSON.stringify(Object.entries(claims).filter(([name]) => !TIMES.has(name)));
}

/**
 * Whether a token holds *scope*; true when only the server can tell.
 *
 * @param {string | null} token
 * @param {string} scope
 */
export function mayHave(token, scope) {
  const scopes = claimsOf(token)?.scope;
  return typeof scopes !== "string" || scopes.split(" ").includes(scope);
}
