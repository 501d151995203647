/**
 * The little of Genesys Web Services that stands around a CometD server: Basic
 * logins, JSESSIONID, CSRF tokens and /api/v2/me, on one HTTP server that keeps
 * a log of every request and misbehaves on command.
 */
import { randomUUID } from "node:crypto";
import http from "node:http";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

import { Armed, obey, options, say } from "./control.js";

export const MOUNT = "/api/v2/notifications";

const HOST = "127.0.0.1";
const CSRF_HEADER = "X-CSRF-TOKEN";
const JSON_TYPE = "application/json";

export class Gws {
  #bayeux;
  #server;
  #port = options.port; // the same after a restart
  #sessions = new Map(); // JSESSIONID -> {user, token}
  #calls = new Map(); // user -> call resources
  #requests = [];
  #open = new Map(); // response -> the request's entry in the log
  #onRequest = new Armed();
  #onResponse = new Armed();

  /** `bayeux` has handle(request, response, body), restart(), disarm() and commands. */
  constructor(bayeux) {
    this.#bayeux = bayeux;
  }

  async serve() {
    await this.#listen();
    say({ event: "listening", port: this.#port });
    obey({ ...this.#bayeux.commands, ...this.#commands });
  }

  async #listen() {
    this.#server = http.createServer((request, response) =>
      this.#accept(request, response).catch(() => response.destroy()),
    );
    await new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(this.#port, HOST, resolve);
    });
    this.#port = this.#server.address().port;
  }

  #commands = {
    set_calls: ({ user, calls }) => void this.#calls.set(user, calls),
    requests: () => this.#requests,
    fault: ({ kind, match, count, answer }) => {
      const when = kind === "reset" ? this.#onResponse : this.#onRequest;
      when.arm({ kind, answer }, match, count);
    },
    heal: () => {
      this.#onRequest.disarm();
      this.#onResponse.disarm();
      this.#bayeux.disarm();
    },
    cut: ({ user }) => {
      for (const [response, entry] of this.#open) {
        if (user == null || entry.user === user) response.socket?.resetAndDestroy();
      }
    },
    log_out: ({ user }) => {
      for (const [id, session] of this.#sessions) {
        if (user == null || session.user === user) this.#sessions.delete(id);
      }
    },
    rotate_csrf: () => {
      for (const session of this.#sessions.values()) session.token = randomUUID();
    },
    restart: async ({ down_s, forget }) => {
      const closed = new Promise((resolve) => this.#server.close(resolve));
      this.#server.closeAllConnections();
      await closed;
      if (forget) {
        this.#sessions.clear();
        this.#bayeux.restart();
      }
      await sleep(down_s * 1000);
      await this.#listen();
    },
  };

  async #accept(request, response) {
    const entry = this.#note(request, await text(request), response);
    const fault = this.#onRequest.take(entry);
    if (fault?.kind === "drop") return request.socket.resetAndDestroy();
    if (fault?.kind === "hang") return undefined;
    if (fault?.kind === "answer") return send(response, fault.answer);
    const refusal = this.#refusal(request, entry);
    if (refusal) return send(response, refusal);
    this.#tearIfArmed(response, entry);
    if (`${entry.path}/`.startsWith(`${MOUNT}/`)) {
      return this.#bayeux.handle(Object.assign(request, { entry }), response, entry.body);
    }
    return send(response, this.#rest(request, entry));
  }

  #note(request, body, response) {
    const session = this.#sessions.get(cookie(request, "JSESSIONID"));
    const [login] = basic(request);
    const entry = {
      at_s: performance.now() / 1000,
      user: session?.user ?? login,
      login,
      method: request.method,
      path: new URL(request.url, `http://${HOST}`).pathname,
      channel: firstChannel(body),
      body,
      status: null,
    };
    this.#requests.push(entry);
    this.#open.set(response, entry);
    response.on("close", () => {
      if (response.headersSent) entry.status = response.statusCode;
      this.#open.delete(response);
    });
    return entry;
  }

  /** The answer to one who may not pass, else null. A live session needs no login. */
  #refusal(request, { user, method }) {
    const session = this.#sessions.get(cookie(request, "JSESSIONID"));
    const [login, password] = basic(request);
    if (!user) return failure(403, 20, "Access denied");
    if (!session && options.users && options.users[login] !== password) {
      return failure(401, 20, "Bad credentials");
    }
    const isSafe = method === "GET";
    if (!options.csrf || isSafe) return null;
    const isProven = session && request.headers[CSRF_HEADER.toLowerCase()] === session.token;
    return isProven ? null : { status: 403, type: "text/plain", body: "Missing or invalid Csrf token" };
  }

  /** A torn answer: half of its bytes, then a TCP reset. */
  #tearIfArmed(response, entry) {
    const { socket } = response;
    const end = response.end.bind(response);
    response.end = (content = "", ...rest) => {
      if (!this.#onResponse.take({ ...entry, body: content })) return end(content, ...rest);
      if (!response.headersSent) response.setHeader("Content-Length", Buffer.byteLength(content));
      response.once("finish", () => socket.resetAndDestroy());
      return end(content.slice(0, content.length / 2), ...rest);
    };
  }

  #rest(request, { user, method, path, body }) {
    const headers = this.#openSession(request, user);
    const calls = this.#calls.get(user) ?? [];
    const route = `${method} ${path.replace(/\/$/, "")}`;
    if (route === "GET /api/v2/me") {
      return { ...success({ user: { id: user, userName: user, enabled: true, calls } }), headers };
    }
    if (route === "GET /api/v2/me/calls") {
      const inFull = request.url.includes("fields=*");
      return { ...success(inFull ? { calls } : { uris: calls.map(({ uri }) => uri) }), headers };
    }
    if (route === "POST /api/v2/me") return success({});
    const [, id] = /^POST \/api\/v2\/me\/calls\/([^/]+)$/.exec(route) ?? [];
    const isKnown = calls.some((call) => call.id === id);
    if (isKnown && JSON.parse(body).operationName) return success({});
    return failure(404, 6, "Not found");
  }

  /** The headers that give a newcomer a session, and everyone its CSRF token. */
  #openSession(request, user) {
    const headers = {};
    let session = this.#sessions.get(cookie(request, "JSESSIONID"));
    if (!session) {
      const id = randomUUID();
      session = { user, token: randomUUID() };
      this.#sessions.set(id, session);
      headers["Set-Cookie"] = `JSESSIONID=${id}; Path=/; HttpOnly`;
    }
    if (options.csrf) {
      headers["X-CSRF-HEADER"] = CSRF_HEADER;
      headers["X-CSRF-TOKEN"] = session.token;
    }
    return headers;
  }
}

function send(response, { status = 200, type = JSON_TYPE, body, headers = {} }) {
  const length = Buffer.byteLength(body);
  response.writeHead(status, { "Content-Type": type, "Content-Length": length, ...headers });
  response.end(body);
}

function success(fields) {
  return { body: JSON.stringify({ statusCode: 0, ...fields }) };
}

function failure(status, statusCode, statusMessage) {
  return { status, body: JSON.stringify({ statusCode, statusMessage }) };
}

function cookie(request, name) {
  const pairs = (request.headers.cookie ?? "").split(";").map((pair) => pair.trim().split("="));
  return pairs.find(([key]) => key === name)?.[1];
}

function basic(request) {
  const [, encoded] = /^Basic (.+)$/.exec(request.headers.authorization ?? "") ?? [];
  if (!encoded) return [null, null];
  const [, user, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, "base64").toString()) ?? [];
  return [user ?? null, password ?? null];
}

function firstChannel(body) {
  try {
    return [].concat(JSON.parse(body))[0]?.channel ?? null;
  } catch {
    return null;
  }
}
