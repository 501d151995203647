/**
 * Where in the dashboard one is, as the part of its address behind the `#`.
 *
 * It is never sent to a server: what one searches for may be a number.
 */

import { anything } from "./attention.js";

/** @import {Wanted} from "./attention.js" */

/**
 * @typedef {object} Place
 * @property {string} view The first part of the path.
 * @property {string} key Of a call; empty for the list.
 * @property {Wanted} wanted
 */

const LISTS = /** @type {const} */ (["states", "issues"]);
const TEXTS = /** @type {const} */ (["provider", "account", "team", "agent", "text"]);

/**
 * The place that *hash* leads to; what it does not say is as at the start.
 *
 * @param {string} hash `#/calls?states=paused,unknown`, `#/calls/genesys/acme/01RCC…`
 * @returns {Place}
 */
export function parsePlace(hash) {
  const [path, query = ""] = hash.replace(/^#?\/?/, "").split("?");
  const [view, ...key] = path.split("/");
  const given = new URLSearchParams(query);
  const wanted = anything();
  for (const name of TEXTS) wanted[name] = given.get(name) ?? "";
  for (const name of LISTS) wanted[name] = (given.get(name) ?? "").split(",").filter(Boolean);
  return { view: view || "calls", key: key.join("/"), wanted };
}

/**
 * The address of a place.
 *
 * @param {Partial<Place>} place
 */
export function formatPlace({ view = "calls", key = "", wanted = anything() }) {
  const given = new URLSearchParams();
  for (const name of TEXTS) if (wanted[name]) given.set(name, wanted[name]);
  for (const name of LISTS) if (wanted[name].length) given.set(name, wanted[name].join(","));
  const query = String(given).replaceAll("%2C", ",").replaceAll("%2F", "/");
  return `#/${view}${key && `/${key}`}${query && `?${query}`}`;
}
