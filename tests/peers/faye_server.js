/**
 * The real faye inside the little GWS of gws.js: one faye server for each agent,
 * as faye cannot send to one client alone.
 *
 * Options: {csrf, users: {name: password} or null for anyone, timeout_s}.
 */
import { Readable } from "node:stream";

import faye from "faye";

import { Armed, options, say } from "./control.js";
import { Gws, MOUNT } from "./gws.js";

class FayeServer {
  #servers = new Map(); // user -> faye's server
  #refused = new Armed();
  #replies = new Armed();

  restart() {
    for (const user of [...this.#servers.keys()]) this.#forget(user);
  }

  handle(request, response, body) {
    const { method, url, headers, entry } = request;
    const again = Object.assign(Readable.from([Buffer.from(body)]), { method, url, headers });
    this.#of(entry.user).handle(again, response);
  }

  commands = {
    publish: async ({ user, messages }) => {
      const servers = user == null ? [...this.#servers.values()] : [this.#of(user)];
      for (const server of servers) {
        for (const { channel, data } of messages) await server.getClient().publish(channel, data);
      }
    },
    /** Forgets the sessions; their next request is answered 401. */
    expire: ({ user }) => (user == null ? this.restart() : this.#forget(user)),
    refuse_subscription: ({ user, channel, count }) => {
      this.#refused.arm(true, { user, channel }, count);
    },
    /** Lays `fields` over the next replies on a meta channel. */
    alter_reply: ({ user, channel, fields, count }) => {
      this.#replies.arm(fields, { user, channel }, count);
    },
  };

  disarm() {
    this.#refused.disarm();
    this.#replies.disarm();
  }

  #of(user) {
    const server = this.#servers.get(user) ?? this.#create(user);
    this.#servers.set(user, server);
    return server;
  }

  #create(user) {
    const server = new faye.NodeAdapter({ mount: MOUNT, timeout: options.timeout_s });
    server.on("subscribe", (_, channel) => say({ event: "subscribed", user, channel }));
    server.addExtension({
      incoming: (message, request, callback) => {
        const subject = { user, channel: message.subscription };
        const isRefused = message.channel === "/meta/subscribe" && this.#refused.take(subject);
        callback(isRefused ? { ...message, error: "403::subscription refused" } : message);
      },
      outgoing: (message, request, callback) => {
        const isReply = request !== null && message.channel.startsWith("/meta/");
        const fields = isReply ? this.#replies.take({ user, channel: message.channel }) : null;
        if (isReply && message.channel === "/meta/handshake") say({ event: "handshake", user });
        callback({ ...message, ...fields });
      },
    });
    return server;
  }

  #forget(user) {
    this.#servers.get(user)?.close();
    this.#servers.delete(user);
  }
}

await new Gws(new FayeServer()).serve();
